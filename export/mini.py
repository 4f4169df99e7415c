"""Export the pack `mini` from a training checkpoint: python -m export.mini --checkpoint training-output/mini.pt.

Writes the streaming graphs, the population's statistics (those of the training speakers) and the card, and compares
the graphs with torch.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from export.card import write_card
from export.streaming import export_streaming, verify_streaming
from models.mini.configuration import MiniConfiguration
from models.mini.encoder import MiniEncoder
from models.mini.vocoder import MiniVocoder
from models.training.prepare import LEVEL_DBFS, SAMPLE_RATE, Corpus, open_corpus
from rtvc.features import CepstralEnvelope, FeatureRoles, FeatureStatistics, merge_all
from rtvc.packs.card import ENCODER, VOCODER
from rtvc.packs.pack import ModelPack
from rtvc.voices.analysis import analyse

TOLERANCE = 1e-4
POPULATION_SPEAKERS = 200
POPULATION_SECONDS = 8

FIRST_TRAINING = [
    {
        "name": "LibriSpeech train-clean-100, 251 speakers, one utterance each, 29 of them 90 s more",
        "licence": "CC BY 4.0",
        "source": "openslr.org/12 (V. Panayotov et al., 2015)",
    },
    {
        "name": "speechocean762, adult readers",
        "licence": "free for commercial and non-commercial use",
        "source": "github.com/jimbozhang/speechocean762",
    },
    {"name": "Kathleen", "licence": "CC0", "source": "github.com/rhasspy/dataset-voice-kathleen"},
    {"name": "Kerstin", "licence": "CC0", "source": "github.com/rhasspy/dataset-voice-kerstin"},
    {
        "name": "Speech-to-intent benchmark commands",
        "licence": "Apache-2.0",
        "source": "github.com/Picovoice/speech-to-intent-benchmark",
    },
    {
        "name": "ESC-10, as background noise",
        "licence": "CC BY 3.0",
        "source": "github.com/karolpiczak/ESC-10",
    },
]
"""What all weights have been trained on: those that training starts from, and what came since."""

LATER_CORPORA = {
    "commonvoice": {
        "name": "Common Voice, 421 speakers, English, French and 40 other languages",
        "licence": "CC0-1.0",
        "source": "commonvoice.mozilla.org",
    },
    "an4": {
        "name": "CMU AN4, 80 speakers",
        "licence": "BSD-style, CMU notice",
        "source": "www.speech.cs.cmu.edu/databases/an4",
    },
}
"""What later trainings add, by the folder of the prepared speech."""


def export_mini(checkpoint: Path, data: Path, folder: Path, block_size: int, overdrive: float) -> None:
    """Write the pack to `folder`; `data` is what `models.training.prepare` made of the training speech.

    Raises `SystemExit` if a graph differs from torch by more than `TOLERANCE`.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    configuration = MiniConfiguration(**saved["configuration"])
    encoder, vocoder = MiniEncoder(configuration), MiniVocoder(configuration)
    for net, name in ((encoder, "encoder"), (vocoder, "vocoder")):
        prefix = f"{name}."
        net.load_state_dict(
            {key.removeprefix(prefix): value for key, value in saved["average"].items() if key.startswith(prefix)}
        )
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {
        "sample_rate": configuration.sample_rate,
        "hop": configuration.hop,
        "feature_dim": configuration.feature_dim,
    }
    export_streaming(
        encoder,
        folder / ENCODER,
        "encoder",
        **sizes,
        lookahead_frames=configuration.lookahead_frames,
        delay_samples=0,
    )
    export_streaming(
        vocoder, folder / VOCODER, "vocoder", **sizes, lookahead_frames=0, delay_samples=configuration.overlap_delay
    )
    errors = {
        ENCODER: verify_streaming(encoder, folder / ENCODER, "encoder"),
        VOCODER: verify_streaming(vocoder, folder / VOCODER, "vocoder"),
    }
    for name, error in errors.items():
        print(f"{name}: largest difference from torch {error:.1e}")
        if error > TOLERANCE:
            raise SystemExit(f"{name} differs from torch by {error:.1e}, more than {TOLERANCE}.")

    content = configuration.content_dim
    envelope = CepstralEnvelope(configuration.cepstra, configuration.mel_bands, configuration.sample_rate / 2)
    roles = FeatureRoles(content, content + 1, (configuration.latent, content), envelope)
    card = {
        "name": "mini",
        "description": "Embedded any-to-any pack: causal, for CPUs, trained from scratch by models/training.",
        "licence": "GPL-3.0-or-later",
        "training_data": FIRST_TRAINING + [c for name, c in LATER_CORPORA.items() if (data / name).is_dir()],
        "training_steps": saved["earlier"] + saved["step"],
        "parameters": {
            "encoder": sum(parameter.numel() for parameter in encoder.parameters()),
            "vocoder": sum(parameter.numel() for parameter in vocoder.parameters()),
        },
        "roles": asdict(roles),
        "pitch_unit_hz": configuration.pitch_unit,
        "level_dbfs": LEVEL_DBFS,
        "defaults": {"block_size": block_size, "overdrive": overdrive, "provider": "cpu"},
    }
    # The statistics are computed with the exported encoder, so the pack is first written with a placeholder.
    dim = configuration.feature_dim
    empty = FeatureStatistics.of(np.zeros((0, dim), np.float32), roles=roles)
    write_card(folder, card, empty)
    write_card(folder, card, _population(ModelPack(folder), open_corpus(data)))
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {total / 1e6:.1f} MB")


def _population(pack: ModelPack, corpus: Corpus) -> FeatureStatistics:
    """Return the statistics of the first seconds of many speakers."""
    every = -(-len(corpus) // POPULATION_SPEAKERS)
    statistics = []
    for speech in list(corpus.values())[::every]:
        samples = speech.audio[0][: POPULATION_SECONDS * SAMPLE_RATE]
        statistics.append(analyse(samples.astype(np.float32) / np.float32(32768), pack).statistics)
    return merge_all(statistics)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("training-output/mini.pt"))
    parser.add_argument("--data", type=Path, default=Path("training-output/data"), help="prepared training speech")
    parser.add_argument("--output", type=Path, default=Path("rtvc/assets/packs/mini"))
    parser.add_argument("--block-size", type=int, default=8, help="the pack's default K")
    parser.add_argument("--overdrive", type=float, default=1.0, help="factor of the cepstra's displacement")
    arguments = parser.parse_args()
    export_mini(arguments.checkpoint, arguments.data, arguments.output, arguments.block_size, arguments.overdrive)


if __name__ == "__main__":
    main()
