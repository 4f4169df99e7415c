"""Starting with the system, on each system by a fake at the border: folders, and a registry in memory."""

import plistlib
import sys
import sysconfig
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtvc.app import autostart
from rtvc.app.autostart import RUN_KEY, panel_command, repair, start_with_system, starts_with_system
from rtvc.errors import RtvcError

SYSTEMS = ("linux", "darwin", "win32")


class Registry(SimpleNamespace):
    """`winreg` with keys in memory."""

    HKEY_CURRENT_USER, KEY_SET_VALUE, REG_SZ = "HKCU", 2, 1

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def OpenKey(self, root: str, key: str, reserved: int = 0, access: int = 1) -> nullcontext[str]:  # noqa: N802
        return self.CreateKey(root, key)

    def CreateKey(self, root: str, key: str) -> nullcontext[str]:  # noqa: N802
        assert (root, key) == ("HKCU", RUN_KEY)
        return nullcontext(key)

    def QueryValueEx(self, key: str, name: str) -> tuple[str, int]:  # noqa: N802
        if name not in self.values:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.values[name], self.REG_SZ

    def SetValueEx(self, key: str, name: str, reserved: int, kind: int, value: str) -> None:  # noqa: N802
        self.values[name] = value

    def DeleteValue(self, key: str, name: str) -> None:  # noqa: N802
        if self.values.pop(name, None) is None:
            raise FileNotFoundError(2, "The system cannot find the file specified")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    fake = Registry()
    monkeypatch.setitem(sys.modules, "winreg", fake)
    return fake


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))


def use(monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    monkeypatch.setattr(autostart, "panel_command", lambda: list(command))


@pytest.mark.parametrize("system", SYSTEMS)
def test_off_at_first_then_on_then_off(system: str, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert not starts_with_system()
    start_with_system(False)  # nothing to remove
    start_with_system(True)
    assert starts_with_system()
    start_with_system(False)
    assert not starts_with_system()


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_entry_of_a_moved_program_starts_the_present_one(
    system: str, monkeypatch: pytest.MonkeyPatch, registry: Registry, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    old, new = tmp_path / "old place" / "rtvc-gui", tmp_path / "new place" / "rtvc-gui"
    for program in (old, new):
        program.parent.mkdir()
        program.touch()
    use(monkeypatch, str(old))
    repair()
    assert not starts_with_system(), "nothing is repaired where nothing was switched on"
    start_with_system(True)
    use(monkeypatch, str(new))
    repair()
    assert started(system, registry, tmp_path) == str(old), "another program that exists keeps its entry"
    old.unlink()
    repair()
    assert started(system, registry, tmp_path) == str(new)
    # Switching replaces the entry of whatever program.
    use(monkeypatch, str(tmp_path / "third"), "-m", "gui")
    start_with_system(True)
    assert started(system, registry, tmp_path) == str(tmp_path / "third")


def started(system: str, registry: Registry, home: Path) -> str:
    """Read the program back as the system does."""
    if system == "win32":
        command = registry.values["rtvc"]
        return command.split('"')[1] if command.startswith('"') else command.split()[0]
    if system == "darwin":
        (path,) = (home / "Library" / "LaunchAgents").iterdir()
        content = plistlib.loads(path.read_bytes())
        assert content["RunAtLoad"] is True
        return str(content["ProgramArguments"][0])
    text = (home / "configuration" / "autostart" / "rtvc.desktop").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("Exec="))
    return line.removeprefix("Exec=").split('"')[1]


def test_a_path_with_special_characters_is_quoted_as_the_specification_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    program = tmp_path / 'a "b" $c 100%' / "rtvc-gui"
    program.parent.mkdir()
    program.touch()
    use(monkeypatch, str(program), "-m", "gui")
    start_with_system(True)
    text = (tmp_path / "configuration" / "autostart" / "rtvc.desktop").read_text(encoding="utf-8")
    assert f'Exec="{tmp_path}/a \\\\"b\\\\" \\\\$c 100%%/rtvc-gui" "-m" "gui"\n' in text
    program.unlink()
    use(monkeypatch, str(tmp_path / "new"))
    repair()
    assert str(tmp_path / "new") in started("linux", Registry(), tmp_path)


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_an_entry_that_the_desktop_switched_off_counts_as_off(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    start_with_system(True)
    file = tmp_path / "configuration" / "autostart" / "rtvc.desktop"
    file.write_text(f"{file.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    assert not starts_with_system()


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_a_damaged_entry_can_be_replaced_and_removed(
    system: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    start_with_system(True)
    folder = tmp_path / ("configuration/autostart" if system == "linux" else "Library/LaunchAgents")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(b"\xff\x00")
    assert starts_with_system()
    start_with_system(True)
    assert file.read_bytes() == whole
    file.write_bytes(b"\xff\x00")
    start_with_system(False)
    assert not file.exists()


def test_a_registry_that_refuses_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(5, "Access is denied")

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(registry, "SetValueEx", refuse)
    with pytest.raises(RtvcError, match=r"cannot be changed \(Access is denied\): change it in the system's own"):
        start_with_system(True)


def test_the_bundle_the_script_and_the_module_are_started_by_their_own_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    assert panel_command() == [sys.executable, "-m", "gui"]
    script = tmp_path / "scripts" / "rtvc-gui"
    script.parent.mkdir()
    script.touch()
    assert panel_command() == [str(script)]
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "rtvc-gui").touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(bundle / "rtvc"))
    assert panel_command() == [str(bundle / "rtvc-gui")]
