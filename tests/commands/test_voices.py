import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner, Result

from rtvc.cli import app
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.voices.library import shipped_voices
from tests.support.sounds import babble
from tests.support.waiting import until

# Adding a voice is too short to be hit by a signal, so it is made to wait before it writes the features.
WAITS = """
import sys, time
from pathlib import Path
from rtvc import cli
from rtvc.voices import library

def wait(path, features):
    Path("writing").touch()
    time.sleep(60)

library.write_features = wait
cli.main()
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["voices", *words], terminal_width=200)


def test_a_voice_is_shared_renamed_and_copied(pack: ModelPack, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", babble(2, 16_000), 16_000)
    added = run("add", "Ann", "a.wav", "--pack", str(pack.folder), "--credit", "Ann, CC BY 4.0")
    assert added.exit_code == 0, added.output
    for words, said in (
        (("rename", "Ann", "Anna"), "Ann: renamed to Anna"),
        (("export", "Anna"), "Anna: exported to Anna.rtvcvoice"),
        (("import", "Anna.rtvcvoice", "--name", "Bea", "--pack", str(pack.folder)), "Added Bea (2.0 s of speech)."),
        (("duplicate", "Bea", "Cleo"), "Bea: copied to Cleo"),
        (("show", "Cleo", "--pack", str(pack.folder)), "Ann, CC BY 4.0"),
    ):
        result = run(*words)
        assert result.exit_code == 0, result.output
        assert said in result.output
    again = run("export", "Anna")
    assert isinstance(again.exception, RtvcError)
    assert "already exists" in str(again.exception)


@pytest.mark.parametrize("width", [80, 100])
def test_the_list_fits_the_terminal_and_leaves_the_credit_to_show(
    pack: ModelPack, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    listed = run("list").output
    shipped = shipped_voices()
    assert len(listed.splitlines()) == 1 + len(shipped), "one line each"
    for voice, line in zip(shipped, listed.splitlines()[1:], strict=True):
        for text in (voice.name, voice.register, voice.description):
            assert text in line
        assert voice.credit not in line
    assert shipped[0].credit in run("show", shipped[0].name, "--pack", str(pack.folder)).output


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_while_a_voice_is_added_leaves_nothing(pack: ModelPack, tmp_path: Path, number: str) -> None:
    soundfile.write(tmp_path / "a.wav", babble(2, 16_000), 16_000)
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS, "voices", "add", "Ann", "a.wav", "--pack", str(pack.folder)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    until((tmp_path / "writing").exists, seconds=60)
    process.send_signal(getattr(signal, number))
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 128 + getattr(signal, number)
    assert "Traceback" not in complaint
    assert list((tmp_path / "data" / "rtvc" / "voices").iterdir()) == []
