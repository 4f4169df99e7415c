"""The command line: `rtvc`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rtvc.commands import bench, models, voices
from rtvc.commands.convert import convert
from rtvc.commands.demo import demo
from rtvc.commands.devices import devices, doctor
from rtvc.commands.live import enrol, live
from rtvc.commands.panel import gui
from rtvc.commands.terminal import errors
from rtvc.errors import RtvcError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A real-time voice changer."
)
app.command()(demo)
app.command()(convert)
app.command()(live)
app.command()(gui)
app.command()(enrol)
app.command()(devices)
app.command()(doctor)
app.add_typer(voices.app, name="voices")
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")


@app.callback()
def _program(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. Stands first: rtvc --debug COMMAND.")
    ] = False,
) -> None:
    """Read the options that stand before the command; `main` acts on them."""


def main() -> None:
    """Run a command; an error that is meant for a person is one line and exit code 2."""
    try:
        app()
    except (RtvcError, OSError) as error:
        sentence = _sentence(error)
        # The option is the program's own, so it stands before the command, and nowhere else.
        if sentence is None or "--debug" in sys.argv[1:2]:
            raise
        errors.print(f"rtvc: {sentence}", style="red", soft_wrap=True)
        sys.exit(2)


def panel() -> None:
    """Run `rtvc gui`, as `rtvc-gui` and `python -m gui` do."""
    sys.argv.insert(1, "gui")
    main()


def _sentence(error: RtvcError | OSError) -> str | None:
    """Return what is meant for a person; None for a fault of the program."""
    if isinstance(error, RtvcError):
        return str(error)
    # A path that the system refuses, such as one that is too long.
    return error.filename and f"{error.filename}: cannot be used ({error.strerror}); name another"


if __name__ == "__main__":
    main()
