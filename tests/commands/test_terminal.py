import io
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress, TextColumn
from rich.table import Table

from rtvc.commands.terminal import Terminal, printable
from rtvc.errors import RtvcError
from tests.support.commands import Complain, Main
from tests.support.sounds import babble

ATTACK = "\x1b]0;owned\x07 \x9b31m \r\b \u202egnp.exe \udcff\x00"


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_controls_a_terminal_is_printed(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown.replace("\n", "")} & {"Cc", "Cs"}
    assert not set(shown) & set("\x1b\x9b\x07\r\b\x00\u202e\u2028")
    shown.encode()
    assert printable(shown) == shown


def test_names_in_other_scripts_stay_as_they_are() -> None:
    for name in ("Größe", "हिन्दी", "ไทย", "日本語", "Ada\nBob"):
        assert printable(name) == name


def test_strings_tables_and_progress_bars_are_escaped() -> None:
    file = io.StringIO()
    terminal = Terminal()
    terminal.file = file
    terminal.print(ATTACK)
    table = Table()
    table.add_column(ATTACK)
    table.add_row(ATTACK)
    terminal.print(table)
    with Progress(TextColumn("{task.description}", markup=False), console=terminal) as progress:
        progress.add_task(ATTACK)
    assert not set(file.getvalue()) & set("\x1b\x9b\x07\r\b\x00\u202e\udcff")
    assert "\\x1b]0;owned" in file.getvalue()


def rtvc(*arguments: str | bytes, stdout: int | None = subprocess.PIPE, home: Path) -> tuple[int, str]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_STATE_HOME": str(home), "PYTHONIOENCODING": "ascii"}
    run = subprocess.run(
        [sys.executable, "-m", "rtvc.cli", *arguments],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    return run.returncode, run.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("voices", "list"), ("--help",)])
def test_a_full_output_is_a_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        code, said = rtvc(*arguments, stdout=full.fileno(), home=tmp_path)
    assert code == 2
    assert said == "rtvc: The output cannot be written (No space left on device): send it elsewhere.\n"


def test_arguments_that_are_no_text_are_quoted_in_a_sentence(tmp_path: Path) -> None:
    code, said = rtvc("voices", "show", b"\xff\x1b[31m\xc3\xa9", home=tmp_path)
    assert code == 2
    assert said.startswith("rtvc: There is no voice '\\udcff\\x1b[31m\\xe9'")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("number", ["nan", "inf", "9" * 400, "1e300"])
@pytest.mark.parametrize("option", ["--strength", "--threads"])
def test_absurd_numbers_are_refused(complain: Complain, option: str, number: str) -> None:
    assert complain("live", option, number).startswith("rtvc: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["convert", "--nope"], "No such option: --nope"),
        (["voices", "show"], "Missing argument 'NAME'. See `rtvc voices show --help`"),
        (["live", "--strength", "9" * 400], "Invalid value for '--strength'"),
        (["\x1b[31m"], "No such command '\\x1b[31m'. See `rtvc --help`"),
    ],
)
def test_a_wrong_usage_is_one_sentence(complain: Complain, arguments: list[str], sentence: str) -> None:
    assert complain(*arguments).startswith(f"rtvc: {sentence}")


FAULTY = """
import sys
from pathlib import Path
from rtvc import cli
from rtvc.app import crash_report
from rtvc.commands import voices

reports = Path(sys.argv.pop(1))
crash_report.reports_folder = lambda: reports
voices.VoiceLibrary = lambda: 1 / 0
cli.main()
"""


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_the_program_is_a_sentence_and_a_report_or_a_traceback(tmp_path: Path, debug: bool) -> None:
    words = ["--debug", "voices", "list"] if debug else ["voices", "list"]
    command = [sys.executable, "-c", FAULTY, str(tmp_path), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    reports = list(tmp_path.glob("crash-*.txt"))
    if debug:
        assert ended.stderr.startswith("Traceback")
        assert not reports
    else:
        assert ended.stderr.startswith("rtvc: Internal error in rtvc (ZeroDivisionError")
        assert len(ended.stderr.splitlines()) == 1
        assert "rtvc/commands/voices.py" in reports[0].read_text(encoding="utf-8")


def test_debug_shows_the_traceback_where_it_comes_first(main: Main) -> None:
    with pytest.raises(RtvcError, match="Nobody"):
        main("--debug", "voices", "show", "Nobody")
    code, said = main("voices", "show", "Nobody", "--debug")
    assert code == 2
    assert said.err.startswith("rtvc: No such option: --debug")


SIGNALLED = """
import signal, sys
from rtvc import cli

number, reads = int(sys.argv.pop(1)), 0

def count(frame, event, argument):
    global reads
    if event == "call" and frame.f_code.co_name == "vio_read":
        reads += 1
        if reads == 20:
            signal.raise_signal(number)

sys.setprofile(count)
cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_callback_of_libsndfile_is_not_lost(tmp_path: Path, number: int, code: int) -> None:
    # cffi swallows exceptions in callbacks: the conversion would go on.
    second = babble(1, 16_000)
    with soundfile.SoundFile(tmp_path / "in.wav", "w", 16_000, 1) as file:
        for _ in range(600):
            file.write(second)
    command = [sys.executable, "-c", SIGNALLED, str(int(number)), "convert", str(tmp_path / "in.wav")]
    command += ["--voice", "Willow", "-o", str(tmp_path / "out.wav")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "callback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
