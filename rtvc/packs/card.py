"""The card of a model pack, `card.json`: read as untrusted input, every value that the program uses checked.

Everything runs on the calling thread; a `Card` is immutable.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtvc.errors import RtvcError
from rtvc.features import CepstralEnvelope, FeatureRoles
from rtvc.names import check_name
from rtvc.packs.runtime import PROVIDERS, Runtime

FORMAT = 1
CARD = "card.json"
ENCODER = "encoder.onnx"
VOCODER = "vocoder.onnx"
STATISTICS = "statistics.npz"
OFFLINE_ENCODER = "offline_encoder.onnx"
OFFLINE_VOCODER = "offline_vocoder.onnx"
REQUIRED = (ENCODER, VOCODER, STATISTICS)

LARGEST_BYTES = 2**20
DEEPEST = 16
"""Levels of lists and objects in a card. Cards of `rtvc models build` have 4."""
MOST_THREADS = 256
MOST_STEP_FRAMES = 50
LARGEST_FEATURE_DIM = 4096
QUIETEST_DBFS = -80.0
MOST_OVERDRIVE = 2.0
MOST_ENVELOPE_BANDS = 512
MOST_HERTZ = 192_000.0
PACK_AGAIN = "fetch or build the model pack again"

SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Defaults:
    """What the pack suggests: K of MKL, frames a step, how its graphs run, and the overdrive of MKL.

    At a strength of 1, MKL multiplies the displacement of the cepstra by `overdrive`.
    """

    block_size: int
    step: int
    runtime: Runtime
    overdrive: float = 1.0


@dataclass(frozen=True)
class Card:
    """What a pack says of itself.

    Attributes
    ----------
    name, description, licence
        Text without control characters; the last two may be empty.
    digests
        SHA-256 of each file of the pack, in hexadecimal.
    roles
        Which feature dimensions carry pitch, voicing and cepstra.
    level_dbfs
        The level of speech that the models were trained on.
    defaults
        What to use where the user chooses nothing.
    full_range
        Whether weights use all of 8 bits with one scale per output: processors without VNNI multiply those
        inexactly. Packs built by earlier versions do; the card of a pack that is exact everywhere has `weight_bits`.
    values
        Everything in the file, for reports: settings, measured figures, provenance.
    """

    name: str
    description: str
    licence: str
    digests: Mapping[str, str]
    roles: FeatureRoles
    level_dbfs: float
    defaults: Defaults
    full_range: bool
    values: Mapping[str, Any]


def read_card(folder: Path) -> Card:
    """Read and check the card of the pack in `folder`.

    Raises
    ------
    RtvcError
        If it is missing, damaged, of another version, or asks for something out of range.
    """
    where = folder / CARD
    if not where.exists():
        raise RtvcError(f"{folder} is not a model pack: it has no {CARD}.")
    try:
        values = json.loads(read_regular(where, LARGEST_BYTES).decode("utf-8"))
        check_json(values)
        version = _get(values, "format")
        if version != FORMAT:
            raise RtvcError(f"{where} has format version {version}, and this program reads version {FORMAT}.")
        return _card(values)
    # A recursion error is what deeply nested JSON ends in.
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(where, error) from None


def damaged(where: Path | str, error: Exception, part: str = "", way_out: str = PACK_AGAIN) -> RtvcError:
    """Return the error for a file, or a part of it, that cannot be used, with the reason and the way out."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    what = f"has damaged {part}" if part else "is damaged"
    return RtvcError(f"{where} {what} ({reason[:200]}): {way_out}.")


def read_regular(path: Path, largest: int) -> bytes:
    """Return the content of a regular file.

    Raises `OSError` if it cannot be read, and `ValueError` if it is something else (a named pipe would wait for ever)
    or has more than `largest` bytes.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a regular file")
    if path.stat().st_size > largest:
        raise ValueError(f"it has more than {largest / 2**20:.0f} MiB")
    return path.read_bytes()


def whole(values: object, name: str, least: int, most: int, default: int | None = None) -> int:
    """Return a whole number of an object; raise `ValueError` if it is missing, another thing, or out of range."""
    value = _get(values, name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return value


def number(values: object, name: str, least: float, most: float, default: float | None = None) -> float:
    """Return a number of an object; raise `ValueError` if it is missing, another thing, or out of range."""
    value = _get(values, name, _REQUIRED if default is None else default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}")
    return float(value)


def text(values: object, name: str, default: str | None = None) -> str:
    """Return a text of an object; raise `ValueError` if it is missing or another thing."""
    value = _get(values, name, _REQUIRED if default is None else default)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value


def _card(values: object) -> Card:
    level = number(values, "level_dbfs", QUIETEST_DBFS, 0)
    assert isinstance(values, dict)
    name = text(values, "name")
    try:
        check_name(name, "pack")
    except RtvcError as error:
        raise ValueError(str(error)) from None
    return Card(
        name,
        text(values, "description", ""),
        text(values, "licence", ""),
        _digests(_get(values, "files")),
        _roles(_get(values, "roles")),
        level,
        _defaults(_get(values, "defaults")),
        _full_range(values),
        values,
    )


def _digests(files: object) -> dict[str, str]:
    if not isinstance(files, dict):
        raise ValueError("files must be an object")
    digests = {name: text(entry, "sha256") for name, entry in files.items()}
    for name, digest in digests.items():
        if Path(name).name != name or name in ("", ".", "..") or "\\" in name:
            raise ValueError(f"{name!r} is not the name of a file in the pack")
        if not SHA256.fullmatch(digest):
            raise ValueError(f"the digest of {name} is not a SHA-256")
    for name in REQUIRED:
        if name not in digests:
            raise ValueError(f"it contains no digest for {name}")
    return digests


def _roles(roles: object) -> FeatureRoles:
    cepstra = _get(roles, "cepstra", None)
    if cepstra is not None:
        if not isinstance(cepstra, list) or len(cepstra) != 2:
            raise ValueError("the role cepstra must be two whole numbers")
        first, end = (_dimension({"cepstra": bound}, "cepstra") for bound in cepstra)
        cepstra = (first, end)
    return FeatureRoles(_dimension(roles, "pitch"), _dimension(roles, "voicing"), cepstra, _envelope(roles))


def _envelope(roles: object) -> CepstralEnvelope | None:
    """Read what the cepstra stand for; cards of earlier versions do not say."""
    envelope = _get(roles, "envelope", None)
    if envelope is None:
        return None
    orders = _get(envelope, "orders")
    if not isinstance(orders, list) or not 1 <= len(orders) <= MOST_ENVELOPE_BANDS:
        raise ValueError("the orders of the envelope must be a list of whole numbers")
    bands = whole(envelope, "bands", 2, MOST_ENVELOPE_BANDS)
    counts = tuple(whole({"orders": count}, "orders", 1, bands) for count in orders)
    return CepstralEnvelope(counts, bands, number(envelope, "top_hertz", 1.0, MOST_HERTZ))


def _dimension(roles: object, name: str) -> int | None:
    return None if _get(roles, name, None) is None else whole(roles, name, 0, LARGEST_FEATURE_DIM)


def _defaults(defaults: object) -> Defaults:
    provider = text(defaults, "provider", "auto")
    if provider not in PROVIDERS:
        raise ValueError(f"provider must be one of {', '.join(PROVIDERS)}")
    return Defaults(
        whole(defaults, "block_size", 1, LARGEST_FEATURE_DIM),
        whole(defaults, "step", 1, MOST_STEP_FRAMES, 1),
        Runtime(whole(defaults, "threads", 1, MOST_THREADS, 1), provider),
        number(defaults, "overdrive", 1.0, MOST_OVERDRIVE, 1.0),
    )


def _full_range(values: object) -> bool:
    settings = _get(values, "settings", {})
    weights = {_get(settings, name, None) for name in ("precision", "vocoder_precision")}
    return "int8" in weights and whole(values, "weight_bits", 1, 8, 8) == 8


_REQUIRED = object()


def _get(values: object, name: str, default: Any = _REQUIRED) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(values, dict):
        raise ValueError("it has something else where an object is expected")
    if name not in values and default is _REQUIRED:
        raise ValueError(f"it has no {name}")
    return values.get(name, default)


def check_json(value: object, depth: int = 0) -> None:
    """Raise `ValueError` for control characters, which a terminal would obey, infinite numbers and deep nesting."""
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    if isinstance(value, str):
        # Category C: control characters, directional overrides, lone surrogates.
        if any(unicodedata.category(character).startswith("C") for character in value):
            raise ValueError("it has control characters")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it has numbers that are not finite")
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_json(key, depth + 1)
            check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_json(inner, depth + 1)
