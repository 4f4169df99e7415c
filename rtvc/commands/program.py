"""How every command of `rtvc` shows its help: `-h`, help for a bare group, and types in plain words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.models import CommandFunctionType

EXPERTS = "Experts"
"""Title of the help group for options that most users never need."""

_KINDS = {"float": "NUMBER", "int": "N", "path": "PATH", "file": "PATH", "directory": "PATH", "str": "TEXT"}


class Command(TyperCommand):
    """A command whose help shows no type for a switch."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as the base class
        """Return the parameters, with the kind of their values in plain words."""
        return _plain(super().get_params(ctx), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as the base class
        """Show the help."""
        _leave_ranges_out()
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands that shows its help, and succeeds, where no command is named."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as the base class
        """Return the parameters, with the kind of their values in plain words."""
        return _plain(super().get_params(ctx), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as the base class
        """Show the help."""
        _leave_ranges_out()
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - as the base class
        """Show the help if there are no arguments."""
        return super().parse_args(ctx, args or ["--help"])


class Program(typer.Typer):
    """A group of commands, as a decorator for them."""

    def __init__(self, help: str) -> None:
        super().__init__(
            cls=Group,
            help=help,
            add_completion=False,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def command(
        self,
        name: str | None = None,
        **options: Any,  # noqa: ANN401 - as the base class
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a function as a command."""
        return super().command(name, cls=Command, **options)


def _leave_ranges_out() -> None:
    """Let typer's help show no ranges: they are part of the kind that `_kind` gives."""
    from typer import rich_utils  # takes 0.1 s, so it is imported for the help only

    rich_utils.RANGE_STRING = ""


def _plain(parameters: list[Any], ctx: Any) -> list[Any]:  # noqa: ANN401
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.metavar is None:
            parameter.metavar = _kind(parameter, ctx)
        elif isinstance(parameter, TyperArgument):
            # An argument's name says what it is. Typer has no option that hides its type.
            parameter.display_type_rich = lambda ctx: ""  # type: ignore[method-assign]
            parameter.metavar = parameter.metavar or (parameter.name or "").upper()
    return parameters


def _kind(option: TyperOption, ctx: Any) -> str:  # noqa: ANN401
    shown = option.display_type(ctx).strip("<>").removeprefix("list[").rstrip("]").removesuffix(" range")
    if option.is_flag or shown == "bool":
        return ""
    if option.min is not None and option.max is not None:
        return f"{option.min:g}…{option.max:g}"
    return _KINDS.get(shown.lower(), shown)
