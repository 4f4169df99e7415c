"""Add conversions to the prepared speech: python -m models.training.convert --pack PACK.

The start of each training speaker's speech is converted to another training speaker by a finished pack. Training
then starts from the conversion and must give back the recording. WORLD's variants only move pitch and formants; a
conversion has another vocal tract, and the errors that the pack makes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from models.training.corpus import split_speakers
from models.training.prepare import (
    AUDIO,
    CONVERTED,
    HOP,
    PITCH,
    SAMPLE_RATE,
    Corpus,
    Speech,
    frame_labels,
    half_frame_pitch,
    level,
    open_corpus,
    quantise,
    save_array,
    stable_number,
)
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack
from rtvc.transport.mkl import fit_mkl
from rtvc.voices.analysis import analyse

SECONDS = 40.0
REFERENCE_SECONDS = 10
BLOCK_SIZES = (2, 8, 16, 32, 64)
CANDIDATES = 20
"""Every other target is the one of so many whose pitch is nearest; conversions between similar voices leak most."""


def convert_speaker(speech: Speech, target: Speech, pack: ModelPack, block: int, name: str) -> None:
    """Add a conversion of `speech` to the voice of `target` to its renderings."""
    frames = min(speech.frames, round(SECONDS * SAMPLE_RATE / HOP))
    source = _samples(speech, frames * HOP)
    here, there = (
        analyse(audio, pack).statistics for audio in (source, _samples(target, REFERENCE_SECONDS * SAMPLE_RATE))
    )
    converter = VoiceConverter(pack, fit_mkl(here, there, block, overdrive=pack.card.defaults.overdrive))
    latency = int(converter.latency)
    padded = np.concatenate([source, np.zeros(-(-latency // HOP) * HOP, np.float32)])
    converted = converter.process(padded)[latency : latency + len(source)].astype(np.float64)
    save_array(speech.folder / f"{CONVERTED}-{name}-{AUDIO}", quantise(level(converted))[None])
    save_array(speech.folder / f"{CONVERTED}-{name}-{PITCH}", frame_labels(half_frame_pitch(converted), frames)[None])


def _samples(speech: Speech, count: int) -> Block:
    samples: Block = speech.audio[0][:count].astype(np.float32) / np.float32(32768)
    return samples


def _mean_pitch(speech: Speech) -> float:
    pitch = speech.pitch[0]
    return float(np.log(pitch[pitch > 0]).mean()) if (pitch > 0).any() else 0.0


def convert_all(corpus: Corpus, pack: ModelPack, most: int) -> None:
    """Convert up to `most` training speakers who have no conversion by this pack, in a mixed order."""
    speakers = sorted(split_speakers(corpus)[0], key=stable_number)
    pitch = {name: _mean_pitch(corpus[name]) for name in speakers}
    label = pack.digest[:8]
    missing = [n for n in speakers if not (corpus[n].folder / f"{CONVERTED}-{label}-{PITCH}").exists()][:most]
    for number, name in enumerate(missing, 1):
        random = np.random.default_rng(stable_number(label + name))
        others = [str(other) for other in random.choice(speakers, CANDIDATES) if other != name]
        target = min(others, key=lambda other: abs(pitch[other] - pitch[name])) if number % 2 else others[0]
        convert_speaker(corpus[name], corpus[target], pack, int(random.choice(BLOCK_SIZES)), label)
        if number % 25 == 0 or number == len(missing):
            print(f"converted {number} of {len(missing)} speakers", flush=True)


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pack", type=Path, default=Path("rtvc/assets/packs/mini"))
    parser.add_argument("--output", type=Path, default=Path("training-output"), help="prepared data lie in its data/")
    parser.add_argument("--most", type=int, default=1_000_000, help="speakers to convert at most")
    arguments = parser.parse_args()
    convert_all(open_corpus(arguments.output / "data"), ModelPack(arguments.pack), arguments.most)


if __name__ == "__main__":
    main()
