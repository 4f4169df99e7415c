"""A voice in one file, `.rtvcvoice`: a ZIP archive of `voice.json` (name, credit, description) and `reference.flac`.

An imported file is untrusted: entries, sizes and texts are checked before anything is decoded, and only samples and
texts are taken from it. Everything here runs on the calling thread.
"""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import soundfile

from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write
from rtvc.voices.analysis import read_recordings
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice

SUFFIX = ".rtvcvoice"
FORMAT = 1

_DESCRIPTION = "voice.json"
_REFERENCE = "reference.flac"
_LARGEST_BYTES = {_DESCRIPTION: 65_536, _REFERENCE: 64 * 2**20}
"""5 min of one channel at 48 kHz and 24 bits take 43 MB before FLAC compresses them."""


class _Invalid(Exception):  # noqa: N818 - a reason, which `import_voice` puts into its own error
    """Why a file is not a voice."""


def export_voice(voice: Voice, path: Path, overwrite: bool = False) -> None:
    """Write a voice to a `.rtvcvoice` file.

    Raises `RtvcError` if the file exists and may not be replaced, or cannot be written.
    """
    audio, rate = read_recordings([voice.reference])
    flac = BytesIO()
    soundfile.write(flac, audio, rate, format="FLAC", subtype="PCM_24")
    described = {
        "format": FORMAT,
        "name": voice.name,
        "credit": voice.credit,
        "description": voice.description,
        "register": voice.register,
    }
    with (
        atomic_write(path, overwrite=overwrite) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        archive.writestr(_DESCRIPTION, json.dumps(described, indent=2, ensure_ascii=False))
        archive.writestr(_REFERENCE, flac.getvalue())


def import_voice(
    library: VoiceLibrary, path: Path, pack: ModelPack, name: str | None = None, replace: bool = False
) -> Voice:
    """Add the voice in a `.rtvcvoice` file to a library, under its own name or another.

    Raises `RtvcError` if the file is no such voice, its name is taken or not allowed, or the voice cannot be written.
    """
    try:
        described, flac = _read(path)
    except OSError as error:
        raise RtvcError(f"{path}: cannot be read ({error.strerror})") from None
    except _Invalid as error:
        raise RtvcError(f"{path}: is not a voice that can be imported: {error}.") from None
    with tempfile.TemporaryDirectory(prefix="rtvc-") as folder:
        reference = Path(folder) / _REFERENCE
        reference.write_bytes(flac)
        try:
            return library.add(
                name or described["name"],
                [reference],
                pack,
                replace,
                described["credit"],
                described["description"],
                register=described["register"],
            )
        except RtvcError as error:
            raise RtvcError(str(error).replace(str(reference), f"{path} ({_REFERENCE})")) from None


def _read(path: Path) -> tuple[dict[str, str], bytes]:
    """Return the checked texts and the undecoded audio of a voice file."""
    if path.stat() and not path.is_file():
        raise _Invalid("it is not a regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if len(archive.infolist()) != len(_LARGEST_BYTES) or set(entries) != set(_LARGEST_BYTES):
                raise _Invalid(f"it must contain {_DESCRIPTION} and {_REFERENCE}, and nothing else")
            contents = {name: _entry(archive, entry) for name, entry in entries.items()}
    except (OSError, _Invalid):
        raise
    # zipfile and zlib raise BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError and others.
    except Exception as error:
        raise _Invalid(f"it is damaged ({type(error).__name__})") from None
    try:
        described = json.loads(contents[_DESCRIPTION])
    except (ValueError, RecursionError):
        raise _Invalid(f"its {_DESCRIPTION} is damaged") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise _Invalid(f"its {_DESCRIPTION} is not of format {FORMAT}")
    texts = {key: described.get(key, "") for key in ("name", "credit", "description", "register")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise _Invalid(f"its {_DESCRIPTION} is damaged")
    return texts, contents[_REFERENCE]


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    largest = _LARGEST_BYTES[entry.filename]
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise _Invalid(f"{entry.filename} is not a regular file")
    if entry.file_size > largest:
        raise _Invalid(f"{entry.filename} is larger than {largest} bytes")
    with archive.open(entry) as file:
        # Decompresses no further than the announced size, whatever the compressed data would give.
        return file.read(entry.file_size + 1)
