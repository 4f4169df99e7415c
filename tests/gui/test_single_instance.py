"""A second panel, and whatever else may listen at the panel's address."""

import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from pytestqt.qtbot import QtBot

from gui import application, single_instance
from gui.single_instance import SHOW, FirstInstance, call_first, panel_address
from rtvc.errors import RtvcError


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short name: the address of a socket holds 107 bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "runtime" / "rtvc"
        monkeypatch.setattr(single_instance, "user_runtime_path", lambda *args, **kwargs: path)
        yield path


@pytest.fixture
def address(runtime: Path) -> str:
    found = panel_address()
    assert found is not None
    return found


def call_from_another_thread(qtbot: QtBot, address: str, request: str = SHOW) -> bool:
    with ThreadPoolExecutor() as pool:
        called = pool.submit(call_first, address, request)
        qtbot.waitUntil(called.done)
    return called.result()


def unexpected(name: str) -> None:
    raise AssertionError(name)


def test_a_second_program_presses_a_hotkey_of_the_panel(
    qtbot: QtBot, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[str] = []
    first = FirstInstance(address, lambda: unexpected("show"), pressed.append)
    assert call_from_another_thread(qtbot, address, "mute")
    assert pressed == ["mute"]
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as talkative:
        talkative.connect(address)
        talkative.sendall(b"x" * 100)
        talkative.setblocking(False)

        def cut_off() -> bool:
            with suppress(BlockingIOError):
                return talkative.recv(1) == b""
            return False

        qtbot.waitUntil(cut_off)
    first.close()
    monkeypatch.setattr(application, "panel_address", lambda: address)
    with pytest.raises(RtvcError, match="No panel is running: start it with"):
        application.press("mute")
    with pytest.raises(RtvcError, match=r"Unknown hotkey 'mte'. Available: power, .*Did you mean mute\?"):
        application.press("mte")


def test_a_second_panel_brings_the_first_one_forward(qtbot: QtBot, address: str) -> None:
    shown: list[bool] = []
    assert not call_first(address)
    first = FirstInstance(address, lambda: shown.append(True), unexpected)
    assert call_from_another_thread(qtbot, address)
    assert shown == [True]
    first.close()
    assert not call_first(address)


def test_the_socket_lies_in_a_folder_of_the_user_alone(runtime: Path) -> None:
    runtime.mkdir(parents=True, mode=0o777)
    runtime.chmod(0o777)
    found = panel_address()
    assert found is not None
    assert Path(found).parent == runtime
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_used(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert panel_address() is None


def test_a_link_is_not_used_as_the_folder(runtime: Path, tmp_path: Path) -> None:
    runtime.parent.mkdir(parents=True)
    runtime.symlink_to(tmp_path)
    assert panel_address() is None


@pytest.mark.parametrize("greeting", [b"", b"somebody else\n"])
def test_a_foreign_listener_does_not_keep_the_panel_from_starting(
    qtbot: QtBot, address: str, greeting: bytes
) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as foreign:
        foreign.bind(address)
        foreign.listen()

        def answer() -> None:
            connection, _ = foreign.accept()
            connection.sendall(greeting)
            connection.close()

        thread = Thread(target=answer, daemon=True)
        thread.start()
        assert not call_first(address)
        thread.join()
        first = FirstInstance(address, lambda: None, unexpected)
        assert call_from_another_thread(qtbot, address)
        first.close()


def test_a_listener_that_says_nothing_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_instance, "ANSWER_MILLISECONDS", 50)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as silent:
        silent.bind(address)
        silent.listen()
        assert not call_first(address)
