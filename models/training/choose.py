"""Choose K and overdrive on held-out training speakers: python -m models.training.choose --data FOLDER --pack PACK.

Prints the measures of `rtvc bench quality` for every combination of packs, block sizes and overdrives. The speakers
were not trained on and do not appear in the published figures. Differences from the first combination are paired,
with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.training.prepare import AUDIO_SUFFIXES, HOP, level
from models.training.train import CHOOSING
from rtvc.benchmark.quality import Listener, Row, System, find_speakers, load, make_pairs, reference_audio
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack
from rtvc.transport.mkl import fit_mkl
from rtvc.voices.analysis import analyse

MOST_RECORDINGS = 12
REFERENCE_SECONDS = 5.0
MEASURES = ("similarity_to_target", "similarity_to_source", "closer_to_target", "quality", "transcript_error")


@dataclass(frozen=True)
class MapConverter:
    """A pack with a block size and an overdrive of its map."""

    pack: ModelPack
    block_size: int
    overdrive: float

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the source `[n]` into the reference's voice, at the rate of the pack."""
        padded = np.zeros(-(-len(source) // HOP) * HOP, np.float32)
        padded[: len(source)] = source
        padded = level(padded.astype(np.float64)).astype(np.float32)
        whole = reference[: len(reference) // HOP * HOP].astype(np.float64)
        here, there = (
            analyse(padded, self.pack).statistics,
            analyse(level(whole).astype(np.float32), self.pack).statistics,
        )
        transport = fit_mkl(here, there, self.block_size, overdrive=self.overdrive)
        converter = VoiceConverter(self.pack, transport)
        latency = int(converter.latency)
        result = converter.process(np.pad(padded, (0, -(-latency // HOP) * HOP)))
        return result[latency : latency + len(source)]


def measure(data: Path, systems: list[System], pairs: int) -> dict[str, list[Row]]:
    """Return the rows of each system, over the same pairs of speakers."""
    rows: dict[str, list[Row]] = {system.name: [] for system in systems}
    listener = Listener()
    with tempfile.TemporaryDirectory(prefix="rtvc-") as temporary:
        for name in CHOOSING:
            folder = Path(temporary) / name
            folder.mkdir(parents=True)
            recordings = sorted(path for path in (data / name).iterdir() if path.suffix in AUDIO_SUFFIXES)
            for path in recordings[:MOST_RECORDINGS]:
                (folder / path.name).symlink_to(path.resolve())
        chosen = make_pairs(find_speakers(Path(temporary), REFERENCE_SECONDS))
        for index in range(min(pairs, len(chosen))):
            pair = chosen[index * len(chosen) // min(pairs, len(chosen))]
            source, reference = load(pair.recording), reference_audio(pair.target, REFERENCE_SECONDS)
            for system in systems:
                start = time.perf_counter()
                result = system.convert(source, reference)
                seconds = time.perf_counter() - start
                rows[system.name].append(listener.measure(pair, source, result, system, seconds))
    return rows


def show(rows: dict[str, list[Row]]) -> None:
    """Print the means, and the differences from the first system with their intervals."""
    random = np.random.default_rng(0)
    first = next(iter(rows))
    print(f"{'':28}" + "".join(f"{name:>24}" for name in MEASURES))
    for name, measured in rows.items():
        cells = []
        for measure_name in MEASURES:
            values, base = (
                np.array(
                    [np.nan if getattr(row, measure_name) is None else getattr(row, measure_name) for row in some],
                    float,
                )
                for some in (measured, rows[first])
            )
            difference = values - base
            draws = random.integers(len(values), size=(2000, len(values)))
            low, high = np.nanpercentile(np.nanmean(difference[draws], axis=1), (2.5, 97.5))
            interval = "" if name == first else f" ({low:+.3f}…{high:+.3f})"
            cells.append(f"{np.nanmean(values):.3f}{interval}")
        print(f"{name:28}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the training speech that holds the choosing set")
    parser.add_argument("--pack", type=Path, nargs="+", required=True)
    parser.add_argument("--block-size", type=int, nargs="+", default=[16])
    parser.add_argument("--overdrive", type=float, nargs="+", default=[1.0])
    parser.add_argument("--pairs", type=int, default=90, help="of speakers, spread evenly over all ordered pairs")
    arguments = parser.parse_args()
    systems = []
    for folder in arguments.pack:
        pack = ModelPack(folder)
        for block_size in arguments.block_size:
            for overdrive in arguments.overdrive:
                name = f"{folder} K {block_size} x {overdrive:g}"
                systems.append(System(name, MapConverter(pack, block_size, overdrive), REFERENCE_SECONDS))
    show(measure(arguments.data, systems, arguments.pairs))


if __name__ == "__main__":
    main()
