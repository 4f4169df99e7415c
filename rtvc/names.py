"""Names that users give to voices, presets and packs: validation, comparison and spelling suggestions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from rtvc.errors import RtvcError

LONGEST_NAME = 64

Kind = TypeVar("Kind", bound=StrEnum)

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LETTERS = "LN"
"""Unicode categories of letters and digits. Marks (M) join them: without marks, हिन्दी and ไทย cannot be written."""


def normal(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), so that "é" typed in two ways is one name."""
    return unicodedata.normalize("NFC", name)


def check_name(name: str, of: str = "voice") -> str:
    """Return a name in composed form if it can safely be a file's or folder's; raise `RtvcError` otherwise."""
    composed = normal(name)
    kinds = [unicodedata.category(character)[0] for character in composed]
    # 255 bytes is the longest name that Linux and macOS store.
    fits = 0 < len(composed) <= LONGEST_NAME and len(composed.encode(errors="replace")) <= 255
    allowed = all(
        kind in _LETTERS + "M" or character in "_ .-" for kind, character in zip(kinds, composed, strict=True)
    )
    if not (fits and allowed) or not _ends(kinds[0], composed[0], marks=False) or not _ends(kinds[-1], composed[-1]):
        raise RtvcError(
            f"{shortened(name)} cannot be a {of}'s name: use up to {LONGEST_NAME} letters, digits, spaces, dots, "
            "hyphens and underscores, with a letter or digit at both ends."
        )
    if _RESERVED.fullmatch(composed):
        raise RtvcError(f"{composed!r} cannot be a {of}'s name: Windows reserves it for a device. Choose another.")
    return composed


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question " Did you mean …?" for the known name that is closest to `name`, or nothing."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(normal(name[:LONGEST_NAME]).casefold(), by_folded, n=1)
    return f" Did you mean {by_folded[close[0]]}?" if close else ""


def member_of(kind: type[Kind], value: str, of: str) -> Kind:
    """Return the member of an enumeration that may be given by its value; raise `RtvcError` for any other value."""
    try:
        return kind(value)
    except ValueError:
        raise RtvcError(
            f"There is no {of} {value!r}: choose one of {', '.join(kind)}.{did_you_mean(str(value), kind)}"
        ) from None


def shortened(text: str) -> str:
    """Quote what a user typed for an error message, without control characters and cut after 80 characters."""
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _ends(kind: str, character: str, marks: bool = True) -> bool:
    return kind in _LETTERS or character == "_" or (marks and kind == "M")
