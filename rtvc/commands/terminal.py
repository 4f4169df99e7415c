"""Where commands print. What they say holds names of files and voices, which stand there letter by letter."""

from __future__ import annotations

from rich.console import Console

console = Console(markup=False, emoji=False, highlight=False)
errors = Console(stderr=True, markup=False, emoji=False, highlight=False)


def warn(sentence: str) -> None:
    """Tell the user what they should know, beside what they asked for."""
    errors.print(f"warning: {sentence}", style="yellow", soft_wrap=True)
