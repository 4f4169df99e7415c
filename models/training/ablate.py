"""Measure what each part of `mini` contributes: python -m models.training.ablate.

Replaces one part of a finished pack's features at a time, by its mean over the stretch or by the labels, and prints
the spectral loss on held-out speakers: plainly resynthesised, and from an augmented source mapped to the statistics
of another stretch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from models.mini.configuration import MiniConfiguration
from models.training.corpus import checked, load_noise, samplers
from models.training.from_pack import load_pack
from models.training.prepare import open_corpus
from models.training.trainer import CHECKED_BLOCK_SIZE, Change, Trainer


def ablations(configuration: MiniConfiguration) -> dict[str, Change]:
    """Return the changes by name."""
    latent = configuration.latent

    def flat(content: Tensor) -> Tensor:
        return content.mean(dim=1, keepdim=True).expand_as(content)

    return {
        "without z": lambda content, voicing, batch: (
            torch.cat([flat(content[..., :latent]), content[..., latent:]], dim=-1),
            voicing,
        ),
        "without cepstra": lambda content, voicing, batch: (
            torch.cat([content[..., :latent], flat(content[..., latent:])], dim=-1),
            voicing,
        ),
        "voicing as labelled": lambda content, voicing, batch: (content, batch.voicing),
        "all voiced": lambda content, voicing, batch: (content, torch.ones_like(voicing)),
    }


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--noise", type=Path, help="recordings of noise to mix in, 16 kHz")
    parser.add_argument("--output", type=Path, default=Path("training-output"), help="where the prepared data lie")
    parser.add_argument("--pack", type=Path, default=Path("rtvc/assets/packs/mini"))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.56, help="of sound made in a row")
    arguments = parser.parse_args()

    configuration = MiniConfiguration()
    sounded = round(arguments.seconds * configuration.sample_rate / configuration.hop)
    corpus = open_corpus(arguments.output / "data")
    trainer = Trainer(configuration, sounded, rate=0.0)
    load_pack(arguments.pack, trainer.nets)
    trainer.nets.eval()
    _, held_out = samplers(corpus, load_noise(arguments.noise), sounded)
    batches = [batch.to(trainer.device) for batch in checked(held_out, arguments.batch)]

    def loss(block: int | None, change: Change | None = None) -> float:
        return sum(trainer.resynthesis_loss(batch, block, change) for batch in batches) / len(batches)

    print(f"{'':24}  plain  augmented, mapped")
    plain = loss(None)
    for size in (1, CHECKED_BLOCK_SIZE, 32, configuration.latent):
        print(f"{f'whole, K = {size}':24}  {plain:.3f}  {loss(size):.3f}", flush=True)
    for name, change in ablations(configuration).items():
        print(f"{name:24}  {loss(None, change):.3f}  {loss(CHECKED_BLOCK_SIZE, change):.3f}", flush=True)


if __name__ == "__main__":
    main()
