"""Reading and writing audio files, block by block and in constant memory.

Each object belongs to the thread that uses it. Reader and writer stand in one file, a little over 350 lines, because
they share libsndfile's formats and its ways of hiding errors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader, FileIO
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.signals import uninterrupted
from rtvc.storage import StorageError, atomic_write

LOWEST_RATE = 8_000
HIGHEST_RATE = 192_000
MOST_CHANNELS = 64

_BLOCK = 65_536
_WRITTEN = 16_384
_MOST_WAV_BYTES = 2**32 - 2**18
"""The header of a WAV file counts to 4 GiB, and libsndfile writes on regardless. `_WRITTEN` samples still fit."""

_LOSSY_SLACK_SECONDS = 0.1
"""An intact MP3 may decode to this much less than it announces: encoder padding."""

_UNKNOWN_SIZE = 0x7FFFF000
"""A header written to a pipe has a size of this or more, for "unknown"."""

_UNKNOWN_FRAMES = 2**62

_SIZE_LINE = re.compile(r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24}

_OUTPUT_FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
OUTPUT_SUFFIXES = tuple(_OUTPUT_FORMATS)


class AudioFile:
    """A recording on disk, mixed down to one channel.

    Reads what libsndfile reads (WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF …): 8 to 192 kHz, integer or float, up to
    64 channels. The constructor reads the header only. `blocks` opens the file each time, so it can be read often.

    Attributes
    ----------
    path
        The file.
    rate
        Sample rate in Hz.
    channels, subtype
        Channels of the file, and its sample format in libsndfile's words.
    frames
        Samples of one channel, as the header gives them.
    clipped
        Samples at or beyond full scale since `blocks` last started. A recording normalised to full scale has a few;
        hundreds a second mean clipping.

    Raises
    ------
    RtvcError
        If the file is missing, a folder, unreadable, empty, not audio, cut short, at a rate outside 8 to 192 kHz or
        of more than 64 channels.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.clipped = 0
        try:
            if self.path.is_dir():
                raise self._error("is a folder, not an audio file")
            size = self.path.stat().st_size
        except FileNotFoundError:
            raise self._error("no such file") from None
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror})") from None
        if size == 0:
            raise self._error("is empty")
        with self._open() as file:
            self.rate: int = file.samplerate
            self.channels: int = file.channels
            self.frames: int = file.frames
            self.subtype: str = file.subtype
            self._format: str = file.format
            log: str = file.extra_info
        for announced, present in _SIZE_LINE.findall(log):
            if int(present) < int(announced) < _UNKNOWN_SIZE:
                raise self._cut_short(int(present) / int(announced))
        if "File ended unexpectedly" in log or "Junk after the last page" in log:
            raise self._cut_short()
        if self.frames <= 0:
            raise self._error("contains no samples")
        if self.frames >= _UNKNOWN_FRAMES:
            raise self._error("does not say how long it is, as if written to a pipe; export it again")
        if self.channels > MOST_CHANNELS:
            raise self._error(f"has {self.channels} channels, more than {MOST_CHANNELS}")
        if not LOWEST_RATE <= self.rate <= HIGHEST_RATE:
            raise self._error(f"has a sample rate of {self.rate} Hz, not within {LOWEST_RATE} to {HIGHEST_RATE} Hz")

    @property
    def name(self) -> str:
        """The path, for messages."""
        return str(self.path)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate

    def blocks(self, frames: int = _BLOCK) -> Iterator[Block]:
        """Yield the file from its start in blocks `[frames]` of float32; only the last may be shorter.

        Full scale is 1, and channels are averaged. Raises `RtvcError` if the sound ends early, or a sample is not
        finite.
        """
        self.clipped = 0
        bits = _INTEGER_BITS.get(self.subtype)
        full_scale = 1.0 if bits is None else 1.0 - 2.0 ** (1 - bits)
        buffer = np.empty((frames, self.channels), np.float32)
        position = 0
        with self._open() as file:
            while True:
                try:
                    with uninterrupted():
                        read = file.read(out=buffer)
                except soundfile.LibsndfileError:
                    raise self._cut_short(position / self.frames) from None
                if len(read) == 0:
                    break
                if not np.isfinite(read).all():
                    bad = int(np.argmin(np.isfinite(read).all(axis=1)))
                    raise self._error(
                        f"contains NaN or infinite samples, the first at {(position + bad) / self.rate:.3f} s"
                    )
                self.clipped += int(np.count_nonzero(np.abs(read) >= full_scale))
                position += len(read)
                yield read.mean(axis=1, dtype=np.float32)
        slack = _LOSSY_SLACK_SECONDS * self.rate if self._format == "MP3" else 0
        if position + slack < self.frames:
            raise self._cut_short(position / self.frames)

    def read(self, rate: int | None = None, seconds: float | None = None) -> Block:
        """Read the file into memory: `[samples]`. For short recordings, such as a reference.

        The file is read and resampled block by block, so only the result takes memory: for 10 minutes of 192 kHz
        read at 16 kHz, 77 MB while it is put together and 38 MB after.

        Parameters
        ----------
        rate
            Sample rate of the result in Hz; None for the file's.
        seconds
            Read no more than this from the start; None for all. What lies behind is not checked.

        Raises
        ------
        RtvcError
            As for `blocks`.
        """
        frames = self.frames if seconds is None else min(self.frames, round(seconds * self.rate))
        resampler = Resampler(self.rate, rate or self.rate, "sinc_medium")
        length = -(-frames * resampler.output_rate // self.rate)
        block = -(-_BLOCK // resampler.granularity) * resampler.granularity
        resampled: list[Block] = []
        read, missing = 0, length + resampler.latency
        # Silence after the end pushes the rest out of the resampler.
        for sound in chain(self.blocks(block), repeat(np.zeros(block, np.float32))):
            heard = sound[: max(0, frames - read)]
            read += len(heard)
            resampled.append(resampler.process(np.pad(heard, (0, block - len(heard))))[:missing])
            missing -= len(resampled[-1])
            if missing == 0 and (seconds is not None or read == self.frames):
                break
        return np.concatenate(resampled)[resampler.latency :]

    @contextmanager
    def _open(self) -> Iterator[soundfile.SoundFile]:
        try:
            # libsndfile takes no name that is not UTF-8, so Python opens the file.
            with _SeekableFile(FileIO(self.path)) as content, _sound_file(content) as file:
                yield file
        except soundfile.LibsndfileError:
            raise self._error("is not audio that can be read, or is damaged") from None
        except TypeError:
            # soundfile asks for the format of a file that ends in .raw.
            raise self._error("contains raw samples without a header; convert it to WAV first") from None
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror})") from None

    def _error(self, reason: str) -> RtvcError:
        return RtvcError(f"{self.path}: {reason}")

    def _cut_short(self, share: float | None = None) -> RtvcError:
        held = "" if share is None else f", with about {share:.0%} of its sound"
        return self._error(f"is cut short{held}; copy or export it again")


@contextmanager
def _sound_file(content: object, mode: str = "r", **options: Any) -> Iterator[soundfile.SoundFile]:  # noqa: ANN401
    """Open a sound file by soundfile, and close it before `content` closes, whatever signal comes when."""
    file = None
    try:
        with uninterrupted():
            file = soundfile.SoundFile(content, mode, **options)
        yield file
    finally:
        with uninterrupted():
            if file is not None:
                file.close()


class _SeekableFile(BufferedReader):
    """A file whose position stays where it is if a damaged header asks for one that cannot be.

    An exception in soundfile's callbacks cannot be caught: it prints a traceback.
    """

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset in bytes; return the position."""
        try:
            return super().seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return self.tell()


class AudioWriter:
    """An audio file being written, one channel. Made by `audio_writer`.

    Attributes
    ----------
    frames
        Samples written so far.
    """

    def __init__(self, file: soundfile.SoundFile, path: Path, disk: _WatchedFile) -> None:
        self._file = file
        self._path = path
        self._disk = disk
        self.frames = 0

    def write(self, block: Block) -> None:
        """Append samples `[n]`; those beyond full scale are clipped.

        Raises `RtvcError` if the disk is full, or a WAV file is as long as its header can say.
        """
        try:
            with uninterrupted():
                # Vorbis puts all samples of a call on the stack: a minute at once kills the process.
                for first in range(0, len(block), _WRITTEN):
                    if self._file.format == "WAV" and self._disk.tell() > _MOST_WAV_BYTES:
                        raise StorageError(self._path, "a WAV file holds at most 4 GiB")
                    self._file.write(block[first : first + _WRITTEN])
        except (soundfile.LibsndfileError, AssertionError) as error:
            self._disk.check(self._path)
            raise StorageError(self._path, str(error) or "disk full?") from error
        self._disk.check(self._path)
        self.frames += len(block)


class _WatchedFile:
    """The file that libsndfile writes through, which keeps the first error of the disk.

    libsndfile reports no error when it closes a file: without this, a FLAC cut off by a full disk would pass for
    complete.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.error: OSError | None = None
        self.seek = file.seek
        self.tell = file.tell
        self.read = file.read

    def write(self, data: bytes) -> int:
        """Write all of `data`, or as much as fits; return how many bytes that was."""
        view, written = memoryview(data), 0
        try:
            while written < len(view):
                written += self._file.write(view[written:])
        except OSError as error:  # It cannot pass through libsndfile.
            self.error = self.error or error
        return written

    def check(self, path: Path) -> None:
        """Raise the first error, if there was one, as a `StorageError` for `path`."""
        if self.error is not None:
            raise StorageError(path, self.error.strerror or str(self.error)) from self.error


def is_file(path: Path) -> bool:
    """Return whether a path is a file that can be looked up: False for a name that the system refuses."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_destination(path: Path, overwrite: bool = False) -> None:
    """Raise `RtvcError` if `path` cannot become an audio file. Call it before the work starts."""
    try:
        is_folder, in_folder, exists = path.is_dir(), path.parent.is_dir(), path.exists()
    except OSError as error:
        raise RtvcError(f"{path}: cannot be written ({error.strerror}). Name another output.") from None
    if is_folder:
        raise RtvcError(f"{path}: is a folder; name a file in it, such as {path / 'converted.wav'}.")
    if path.suffix.lower() not in _OUTPUT_FORMATS:
        known = ", ".join(_OUTPUT_FORMATS)
        raise RtvcError(f"{path}: cannot write '{path.suffix or 'no suffix'}'; give the output one of {known}.")
    if not in_folder:
        raise RtvcError(f"{path}: its folder does not exist.")
    if exists and not overwrite:
        raise RtvcError(f"{path} already exists; use --force to replace it.")


@contextmanager
def audio_writer(
    path: str | Path,
    rate: int,
    *,
    subtype: str | None = None,
    overwrite: bool = False,
    private: bool = False,
    keep_partial: bool = False,
) -> Iterator[AudioWriter]:
    """Write an audio file that appears at its path complete, through `rtvc.storage.atomic_write`.

    If the body raises, nothing is left behind and an existing file stays as it was. Before the rename, the file is
    opened again and its length compared with what was written.

    Parameters
    ----------
    path
        Its suffix sets the format: `.wav` and `.flac` (16 bits by default), `.ogg` (Vorbis).
    rate
        Sample rate in Hz.
    subtype
        Sample format in libsndfile's words, such as `PCM_24` or `FLOAT`.
    overwrite
        Whether an existing file may be replaced.
    private
        Whether only the user may read the file (mode 0600).
    keep_partial
        Keep the file with what was written if the body raises `StorageError`, as on a full disk, or the file is found
        shorter than it should be; the error is raised then. For WAV, whose header can be corrected on a full disk;
        other formats leave nothing.

    Raises
    ------
    RtvcError
        If the suffix is not known, the file exists and may not be replaced, or it cannot be written.
    """
    path = Path(path)
    check_destination(path, overwrite)
    container, default_subtype = _OUTPUT_FORMATS[path.suffix.lower()]
    failure: StorageError | None = None
    with atomic_write(path, overwrite=overwrite, private=private) as whole:
        assert isinstance(whole.raw, FileIO)
        disk = _WatchedFile(whole.raw)
        options = {"samplerate": rate, "channels": 1, "format": container, "subtype": subtype or default_subtype}
        try:
            with _sound_file(disk, "w", **options) as file:
                writer = AudioWriter(file, path, disk)
                yield writer
            disk.check(path)
            _check_length(path, whole, writer.frames)
        except StorageError as error:
            if not keep_partial or container != "WAV":
                raise
            failure = error
    if failure is not None:
        raise failure


def _check_length(path: Path, file: BufferedRandom, frames: int) -> None:
    """Raise `RtvcError` unless an audio file that was just written announces this many samples."""
    file.seek(0)
    with _sound_file(file) as written:
        found: int = written.frames
    if found != frames:
        raise StorageError(path, f"the file contains {found} of {frames} samples")
