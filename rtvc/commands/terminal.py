"""Where commands print.

File, voice and device names are printed literally, without markup. `printable` escapes what could control the
terminal, whoever wrote it: a pack's card, a device's driver, the name of a file.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_KEPT = "\n"
_ESCAPED = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: control characters, surrogates (bytes of file names that are not UTF-8), line separators."""

_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that reorder the text after them, so that a name could pass for another."""


def printable(text: str) -> str:
    """Return text with every character escaped that could control a terminal or cannot be printed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii") if _is_unsafe(character) else character
        for character in text
    )


class Terminal(Console):
    """A console that prints text literally and passes all of it through `printable`."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything: strings, tables and progress bars alike."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=printable(segment.text))

    def render_str(self, text: str, **options: Any) -> Any:  # noqa: ANN401 - as the base class
        """Escape before the layout as well, so that table columns have the width of what is printed."""
        return super().render_str(printable(text), **options)


console = Terminal()
errors = Terminal(stderr=True)


def warn(sentence: str) -> None:
    """Print something that the user should know beside the result."""
    errors.print(f"warning: {sentence}", style="yellow", soft_wrap=True)


@contextmanager
def library_noise_discarded() -> Iterator[None]:
    """Discard what C libraries print on standard error, such as ALSA's underruns; Python's own messages stay.

    `rtvc --debug` shows everything. Where standard error is not the process's own, as in tests, nothing happens.
    """
    try:
        own = sys.stderr.fileno() == 2
    except (OSError, ValueError):
        own = False
    if not own or "--debug" in sys.argv[1:2]:
        yield
        return
    before = sys.stderr
    before.flush()
    kept = os.dup(2)
    with os.fdopen(kept, "w", encoding=before.encoding, errors="backslashreplace", buffering=1) as direct:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        sys.stderr = direct
        try:
            yield
        finally:
            sys.stderr = before
            direct.flush()
            os.dup2(kept, 2)


def _is_unsafe(character: str) -> bool:
    if character in _KEPT:
        return False
    return unicodedata.category(character) in _ESCAPED or character in _BIDIRECTIONAL
