"""How good conversions are: every ordered pair of speakers of a folder, several systems, the same measures.

The protocol, for a folder with one folder of recordings a speaker:

- A speaker's *reference* is the first so many seconds of their first recording in the order of names that is long
  enough; where none is, the recordings that follow are joined to it. All systems of a run leave the recordings of
  the longest reference out of everything else.
- For each ordered pair of speakers, one other recording of the source speaker is the *source*: those of
  `SHORTEST_SOURCE_SECONDS` or more in turn, so that each target hears another sentence.
- A *speaker centroid* is the mean embedding of the speaker's recordings that are neither reference nor the pair's
  source, so that no conversion is compared with a sound which it has heard.

Everything runs in the calling thread; timings are of this one process.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtvc.benchmark.classical import WorldMkl, world_copy
from rtvc.benchmark.metrics import (
    SAMPLE_RATE,
    Embedding,
    Estimate,
    SpeakerEncoder,
    Transcriber,
    bootstrap,
    centroid,
    character_error_rate,
    loudest_over_speech,
    overall_quality,
    pitch_correlation,
    similarity,
)
from rtvc.benchmark.picture import conversion_picture
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.report import Report, Table
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack
from rtvc.voices.voice import Voice

RECORDINGS = (".flac", ".ogg", ".wav")
SHORTEST_SOURCE_SECONDS = 3.0
FEWEST_RECORDINGS = 3

Converter = Callable[[Block, Block], Block]
"""Source `[n]` and reference `[m]` to the source in the reference's voice `[n]`, all at `SAMPLE_RATE`."""


@dataclass(frozen=True)
class System:
    """Something that converts voices, under the name it has in the tables."""

    name: str
    convert: Converter
    reference_seconds: float = 5.0


def source_copy(source: Block, reference: Block) -> Block:
    """Return the source as it is: what perfect sound without any conversion scores."""
    return source


def noisy_copy(source: Block, reference: Block) -> Block:
    """Return the source with white noise 30 dB below it: what a change that is hardly heard costs the measures."""
    noise = np.random.default_rng(0).standard_normal(len(source)) * np.sqrt(np.mean(source**2) / 1000)
    noisy: Block = source + noise.astype(np.float32)
    return noisy


COPIES = (System("source copy", source_copy), System("source copy, noise at -30 dB", noisy_copy))
CLASSICAL = (
    System("WORLD copy", world_copy),
    System("WORLD + MKL, K = 1", WorldMkl(1)),
    System("WORLD + MKL, full", WorldMkl()),
)
"""What every converter is compared with in the same run, beside `COPIES`."""


@dataclass(frozen=True)
class PackConverter:
    """A model pack as a `Converter`: what `rtvc convert` does with a file, done to a file of the source."""

    pack: ModelPack
    conversion: Conversion

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the source `[n]` into the reference's voice; raises `RtvcError` as `convert_file` does."""
        with tempfile.TemporaryDirectory(prefix="rtvc-") as folder:
            paths = [Path(folder) / name for name in ("source.wav", "reference.wav", "result.wav")]
            for path, audio in zip(paths, (source, reference), strict=False):
                with audio_writer(path, SAMPLE_RATE, subtype="FLOAT") as file:
                    file.write(audio)
            convert_file(paths[0], Voice("reference", paths[1]), paths[2], self.pack, self.conversion)
            return AudioFile(paths[2]).read()


@dataclass(frozen=True)
class Speaker:
    """A speaker's recordings, parted by what they are for."""

    name: str
    reference: tuple[Path, ...]
    others: tuple[Path, ...]


@dataclass(frozen=True)
class Pair:
    """One conversion to be made: this recording, in that speaker's voice."""

    source: Speaker
    target: Speaker
    recording: Path


@dataclass(frozen=True)
class Row:
    """The measures of one conversion; None where one could not be taken, such as the pitch of a silent result.

    `burst_decibels` is by how much more the loudest frame stands out from the speech than it does in the source;
    `real_time_factor` counts everything that a converter does for one file: opening models, fitting, converting.
    """

    system: str
    reference_seconds: float
    source: str
    target: str
    recording: str
    similarity_to_target: float
    similarity_to_source: float
    closer_to_target: bool
    quality: float
    quality_of_source: float
    transcript_error: float | None
    text_error: float | None
    pitch_correlation: float | None
    burst_decibels: float
    real_time_factor: float


MEASURES = {
    "similarity_to_target": "similar\nto target",
    "similarity_to_source": "similar\nto source",
    "closer_to_target": "closer\nto target",
    "quality": "DNSMOS",
    "transcript_error": "transcript\nerror",
    "text_error": "error\nagainst text",
    "pitch_correlation": "pitch\ncorrelation",
    "burst_decibels": "burst,\ndB",
    "real_time_factor": "real-time\nfactor",
}
"""The measures of a summary, with their headings."""


def load(path: Path) -> Block:
    """Return a recording as mono at `SAMPLE_RATE`; raises `RtvcError` where it is not sound."""
    file = AudioFile(path)
    return file.read() if file.rate == SAMPLE_RATE else resample(file.read(), file.rate, SAMPLE_RATE)


def find_speakers(folder: Path, reference_seconds: float) -> list[Speaker]:
    """Return the speakers of a folder in the order of their names, parted for references of up to that length.

    A folder at any depth that directly holds recordings is a speaker.

    Raises
    ------
    RtvcError
        Where there are fewer than two speakers, or one has too few recordings.
    """
    folders: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in RECORDINGS and not path.name.startswith("."):
            folders.setdefault(path.parent, []).append(path)
    if len(folders) < 2:
        raise RtvcError(
            f"{folder} holds the recordings of {len(folders)} speakers; give a folder that holds one folder of "
            f"recordings ({', '.join(RECORDINGS)}) for each of two speakers or more"
        )
    return [
        _parted(str(place.relative_to(folder)), recordings, reference_seconds)
        for place, recordings in folders.items()
    ]


def _parted(name: str, recordings: Sequence[Path], reference_seconds: float) -> Speaker:
    lengths = [AudioFile(path).duration for path in recordings]
    first = next((index for index, length in enumerate(lengths) if length >= reference_seconds), 0)
    turned = [*recordings[first:], *recordings[:first]]
    ends = np.cumsum([*lengths[first:], *lengths[:first]])
    taken = int(np.searchsorted(ends, reference_seconds)) + 1
    others = tuple(sorted(turned[taken:]))
    if len(others) < FEWEST_RECORDINGS - 1:
        raise RtvcError(
            f"speaker {name} has {len(recordings)} recordings, too few beside {reference_seconds:g} s of reference: "
            f"add some, or ask for a shorter reference"
        )
    return Speaker(name, tuple(turned[:taken]), others)


def make_pairs(speakers: Sequence[Speaker]) -> list[Pair]:
    """Return all ordered pairs of speakers, each with its source recording."""
    pairs = []
    for source in speakers:
        long_enough = [path for path in source.others if AudioFile(path).duration >= SHORTEST_SOURCE_SECONDS]
        choice = long_enough or list(source.others)
        targets = [target for target in speakers if target is not source]
        pairs += [Pair(source, target, choice[index % len(choice)]) for index, target in enumerate(targets)]
    return pairs


def reference_audio(speaker: Speaker, seconds: float) -> Block:
    """Return the first seconds of the speaker's reference `[round(seconds · SAMPLE_RATE)]`, or all there is."""
    return np.concatenate([load(path) for path in speaker.reference])[: round(seconds * SAMPLE_RATE)]


def _text(recording: Path) -> str | None:
    path = recording.with_suffix(".txt")
    return path.read_text(encoding="utf-8") if path.is_file() else None


class Listener:
    """Measures conversions, and remembers what it has heard of the recordings they are compared with."""

    def __init__(self) -> None:
        self._encoder = SpeakerEncoder()
        self._transcriber = Transcriber()
        self._embeddings: dict[Path, Embedding | None] = {}
        self._sources: dict[Path, tuple[float, str, Any]] = {}

    def _centroid(self, speaker: Speaker, without: Path) -> Embedding:
        for path in speaker.others:
            if path not in self._embeddings:
                self._embeddings[path] = self._encoder.embed(load(path))
        return centroid((self._embeddings[path] for path in speaker.others if path != without), speaker.name)

    def measure(self, pair: Pair, source: Block, result: Block, system: System, seconds: float) -> Row:
        """Return the measures of one result `[samples]`; `seconds` is the time that it took to make."""
        if pair.recording not in self._sources:
            heard = self._transcriber.transcript(source)
            self._sources[pair.recording] = (overall_quality(source), heard, track_pitch(source, SAMPLE_RATE))
        quality_of_source, heard, source_pitch = self._sources[pair.recording]
        embedding = self._encoder.embed(result)
        to_target = similarity(embedding, self._centroid(pair.target, pair.recording))
        to_source = similarity(embedding, self._centroid(pair.source, pair.recording))
        transcript = self._transcriber.transcript(result)
        text = _text(pair.recording)
        return Row(
            system=system.name,
            reference_seconds=system.reference_seconds,
            source=pair.source.name,
            target=pair.target.name,
            recording=pair.recording.name,
            similarity_to_target=to_target,
            similarity_to_source=to_source,
            closer_to_target=to_target > to_source,
            quality=overall_quality(result),
            quality_of_source=quality_of_source,
            transcript_error=character_error_rate(heard, transcript),
            text_error=None if text is None else character_error_rate(text, transcript),
            pitch_correlation=pitch_correlation(source_pitch, track_pitch(result, SAMPLE_RATE)),
            burst_decibels=loudest_over_speech(result) - loudest_over_speech(source),
            real_time_factor=seconds * SAMPLE_RATE / len(source),
        )


def compare(
    folder: Path,
    systems: Sequence[System],
    keep: Path | None = None,
    pairs: int | None = None,
    pictures: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Row]:
    """Convert every pair of speakers of a folder with every system, and measure each result as it comes.

    Parameters
    ----------
    folder
        One folder of recordings a speaker, at any depth. A text file beside a recording, of its name with the
        suffix `.txt`, is what was said in it.
    systems
        What to compare; each is called from this thread.
    keep
        A folder for the sources, references and results as FLAC, to listen to.
    pairs
        Measure only so many pairs, spread evenly over all.
    pictures
        A folder for a PNG of each conversion: source, reference and result one above the other.
    progress
        Called with the number of conversions measured and their total.

    Raises
    ------
    RtvcError
        Where the folder does not serve, a picture cannot be drawn, or a result is not sound: of another length than
        the source, or not finite.
    """
    chosen = make_pairs(find_speakers(folder, max(system.reference_seconds for system in systems)))
    if pairs is not None and pairs < len(chosen):
        chosen = [chosen[index * len(chosen) // pairs] for index in range(pairs)]
    listener = Listener()
    for done, pair in enumerate(chosen):
        source = load(pair.recording)
        for index, system in enumerate(systems):
            reference = reference_audio(pair.target, system.reference_seconds)
            start = time.perf_counter()
            result = system.convert(source, reference)
            seconds = time.perf_counter() - start
            if result.shape != source.shape or not np.isfinite(result).all():
                raise RtvcError(
                    f"{system.name} turned {pair.recording} into something that is not sound of its length "
                    f"({source.shape} to {result.shape}, finite: {bool(np.isfinite(result).all())})"
                )
            if keep is not None:
                _keep(keep, pair, system, {"source": source, "reference": reference, system.name: result})
            if pictures is not None:
                pictures.mkdir(parents=True, exist_ok=True)
                name = _plain_name(f"{pair.source.name} to {pair.target.name} {_with_length(system.name, system)}")
                conversion_picture(pictures / f"{name}.png", source, reference, result, SAMPLE_RATE)
            yield listener.measure(pair, source, result, system, seconds)
            if progress is not None:
                progress(done * len(systems) + index + 1, len(chosen) * len(systems))


def _keep(folder: Path, pair: Pair, system: System, sounds: Mapping[str, Block]) -> None:
    place = folder / _plain_name(f"{pair.source.name} to {pair.target.name}")
    place.mkdir(parents=True, exist_ok=True)
    for name, audio in sounds.items():
        named = name if name == "source" else _with_length(name, system)
        with audio_writer(place / f"{_plain_name(named)}.flac", SAMPLE_RATE, overwrite=True) as file:
            file.write(audio)


def _with_length(name: str, system: System) -> str:
    return f"{name} {system.reference_seconds:g}s"


def _plain_name(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")


def summarize(rows: Sequence[Row]) -> dict[tuple[str, float], dict[str, Estimate | None]]:
    """Return mean and interval of each measure, for each system and length of reference in the rows' order."""
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.system, row.reference_seconds), []).append(row)
    return {
        group: {measure: bootstrap([getattr(row, measure) for row in members]) for measure in MEASURES}
        for group, members in groups.items()
    }


def _cell(measure: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    if measure == "closer_to_target":
        return f"{estimate.mean:.0%}\n{estimate.low:.0%}…{estimate.high:.0%}"
    return f"{estimate.mean:.2f}\n{estimate.low:.2f}…{estimate.high:.2f}"


def quality_report(rows: Sequence[Row], settings: Mapping[str, Any], packs: Mapping[str, Any]) -> Report:
    """Return the report of a run: a table with a line a system, and summary and rows for programs."""
    summary = summarize(rows)
    shown = [measure for measure in MEASURES if any(line[measure] is not None for line in summary.values())]
    table = Table(
        f"Mean over {len({(row.source, row.target) for row in rows})} pairs of speakers, and its 95 % interval",
        ("system\nand reference", *(MEASURES[measure] for measure in shown)),
        [
            (f"{name}\n{seconds:g} s", *(_cell(measure, line[measure]) for measure in shown))
            for (name, seconds), line in summary.items()
        ],
    )
    systems = [
        {
            "system": name,
            "reference_seconds": seconds,
            **{measure: None if estimate is None else asdict(estimate) for measure, estimate in line.items()},
        }
        for (name, seconds), line in summary.items()
    ]
    results = {"systems": systems, "rows": [asdict(row) for row in rows]}
    return Report("quality", results, settings, packs, [table])
