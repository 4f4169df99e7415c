"""The command line: `rtvc`."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, cast

import typer

from rtvc import signals
from rtvc.app import crash_report
from rtvc.commands import bench, effects, models, transports, voices
from rtvc.commands.convert import convert
from rtvc.commands.demo import demo
from rtvc.commands.devices import devices, doctor
from rtvc.commands.live import enrol, live
from rtvc.commands.panel import gui
from rtvc.commands.program import Program
from rtvc.commands.serve import serve
from rtvc.commands.terminal import console, errors
from rtvc.errors import RtvcError

_UsageError = cast(type[typer.BadParameter], typer.BadParameter.__bases__[0])
"""What typer raises for an unknown option, a missing argument or a value out of range: click's class, or its own."""

_OUTPUT_ERRORS = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF}

app = Program("A real-time voice changer.")
for command in (live, gui, serve, convert, demo, enrol, devices, doctor):
    app.command()(command)
app.add_typer(voices.app, name="voices")
app.add_typer(effects.app, name="effects")
app.add_typer(transports.app, name="transports")
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"rtvc {version('rtvc')}")
        raise typer.Exit


@app.callback()
def _program(
    shown: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. Goes first: rtvc --debug COMMAND.")
    ] = False,
) -> None:
    """Read the options before the command; `main` acts on them."""


def main() -> None:
    """Run a command. An error that the user can act on is one sentence and exit code 2."""
    debug = "--debug" in sys.argv[1:2]
    _prepare_streams()
    signals.end_on("SIGINT", "SIGTERM", "SIGHUP")  # Partial files are removed on the way out.
    if not debug:
        crash_report.install(_tell_crash)
    try:
        # Called itself, `app` would put typer's hook for errors in place of the crash report's.
        sys.exit(typer.main.get_command(app)(prog_name="rtvc", standalone_mode=False))
    except _UsageError as error:
        if debug:
            raise
        if usage := error.format_message().rstrip("."):  # Empty where the help has been printed instead.
            joined = usage if usage.endswith("?") else f"{usage}."
            _complain(f"{joined} See `{error.ctx.command_path if error.ctx else 'rtvc'} --help`.")
        sys.exit(2)
    except (RtvcError, OSError) as error:
        sentence = _sentence(error)
        if sentence is None or debug:
            raise
        _complain(sentence)
        _abandon_output()
        sys.exit(2)


def panel() -> None:
    """Run `rtvc gui`, as `rtvc-gui` and `python -m gui` do."""
    sys.argv.insert(1, "gui")
    main()


def _prepare_streams() -> None:
    """Let any text be printed, and give closed standard streams a place to go.

    Otherwise the next file to be opened would get the descriptor of a closed stream, and what a library prints would
    end up in that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _sentence(error: RtvcError | OSError) -> str | None:
    """Return what to tell the user; None for a fault of the program."""
    if isinstance(error, RtvcError):
        return str(error)
    if error.filename:
        return f"{os.fsdecode(error.filename)}: cannot be used ({error.strerror}). Name another file or folder."
    if error.errno in _OUTPUT_ERRORS:
        # Files are written by `rtvc.storage`, which raises `RtvcError`: this is standard output.
        return f"The output cannot be written ({error.strerror}): send it elsewhere."
    return None


def _tell_crash(error: BaseException, path: Path | None) -> None:
    """Report an error that nobody foresaw, on whichever thread it happened."""
    where = f" A report without personal data is in {path}." if path is not None else ""
    _complain(
        f"Internal error in rtvc ({type(error).__name__}: {error}).{where} "
        "`rtvc --debug COMMAND` shows where it happened."
    )


def _complain(sentence: str) -> None:
    with suppress(OSError):  # The terminal may have been closed.
        errors.print(f"rtvc: {sentence}", style="red", soft_wrap=True)


def _abandon_output() -> None:
    """Drop buffered output that cannot be written, so that Python does not try again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)


if __name__ == "__main__":
    main()
