"""Commands, run within this process."""

from collections.abc import Callable
from typing import Protocol

import pytest
from typer.testing import CliRunner

from rtvc.cli import app
from rtvc.errors import RtvcError


class Said(Protocol):
    """What a program has printed."""

    @property
    def out(self) -> str: ...

    @property
    def err(self) -> str: ...


Main = Callable[..., tuple[object, Said]]
Complain = Callable[..., str]


def rtvc(*arguments: object) -> str:
    """Return what a command prints; it must succeed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*arguments: object) -> str:
    """Return the sentence with which a command is refused."""
    with pytest.raises(RtvcError) as caught:
        CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return str(caught.value)
