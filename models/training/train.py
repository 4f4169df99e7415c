"""Train `mini`: python -m models.training.train --data FOLDER --minutes 90.

Self-supervised, with the map in the loop. A stretch of speech is heard as another voice (a WORLD variant, or a
conversion by an earlier pack), through another microphone and in noise. Its features are transported to the
statistics of another stretch of the same speaker, and the vocoder must give back the recording. What survives is
content; what the statistics carry is the voice. Half of each batch is also converted to other speakers of the batch,
where no target exists: there the features of the result must be those that the vocoder was given, and a speaker
encoder must recognise the target.

The learning rate falls along the time spent, so weights are annealed when `--minutes` are over, however fast the
machine is. An interrupted run goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from models.mini.configuration import MiniConfiguration
from models.training.corpus import checked, load_noise, samplers, split_speakers
from models.training.prepare import open_corpus, prepare
from models.training.speaker_encoder import trained_speaker_encoder
from models.training.trainer import Trainer, training_device

SAVED_EVERY = 100


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        help="speech, …/<speaker>/<utterance>.{flac,ogg,wav}, 16 kHz; if left out, what is prepared",
    )
    parser.add_argument("--noise", type=Path, help="recordings of noise to mix in, 16 kHz")
    parser.add_argument(
        "--output", type=Path, default=Path("training-output"), help="for prepared data and checkpoints"
    )
    parser.add_argument("--from-pack", type=Path, help="begin with this pack's weights rather than with random ones")
    parser.add_argument("--minutes", type=float, default=90.0, help="of training, resumed runs included")
    parser.add_argument("--steps", type=int, help="stop after so many steps in all")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.56, help="of sound made in a row")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument(
        "--conversions", type=float, default=0.5, help="share of rows also converted to others; 0: no such losses"
    )
    parser.add_argument(
        "--converted-sources", type=float, default=0.5, help="share of rows that start from a conversion, if any"
    )
    parser.add_argument(
        "--speaker-steps",
        type=int,
        default=2000,
        help="for the speaker encoder that judges conversions; 0: train without one",
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    configuration = MiniConfiguration()
    torch.manual_seed(arguments.seed)
    data = arguments.output / "data"
    corpus = prepare(arguments.data, data) if arguments.data is not None else open_corpus(data)
    sounded = round(arguments.seconds * configuration.sample_rate / configuration.hop)
    noise = load_noise(arguments.noise)
    sampler, checking = samplers(corpus, noise, sounded, arguments.converted_sources)
    speaker_encoder = None
    if arguments.speaker_steps and arguments.conversions:
        path, speakers = arguments.output / "speaker-encoder.pt", split_speakers(corpus)[0]
        steps = arguments.speaker_steps
        speaker_encoder = trained_speaker_encoder(path, corpus, speakers, noise, steps, training_device())
    trainer = Trainer(configuration, sounded, arguments.rate, arguments.conversions, speaker_encoder)
    check = [batch.to(trainer.device) for batch in checked(checking, arguments.batch)]
    checkpoint = arguments.output / "mini.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        print(f"resumed at step {trainer.step}", flush=True)
    elif arguments.from_pack is not None:
        trainer.begin_with(arguments.from_pack)

    seen: dict[str, list[float]] = defaultdict(list)
    first, earlier, began = trainer.step, trainer.seconds, time.monotonic()
    done = False
    while not done:
        # Seeded by the step, so that a resumed run draws what an unbroken one would have drawn.
        random = np.random.default_rng((arguments.seed, trainer.step))
        batch = sampler.draw(arguments.batch, random).to(trainer.device)
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        losses = trainer.advance(batch, generator, trainer.seconds / 60 / arguments.minutes)
        trainer.seconds = earlier + time.monotonic() - began
        done = trainer.seconds >= 60 * arguments.minutes or trainer.step == arguments.steps
        for name, value in losses.items():
            seen[name].append(value)
        if trainer.step % 25 == 0 or done:
            pace = (trainer.seconds - earlier) / (trainer.step - first)
            report = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in seen.items())
            print(f"step {trainer.step}  {pace:.2f} s  {report}", flush=True)
            seen.clear()
        if trainer.step % SAVED_EVERY == 0 or done:
            trainer.save(checkpoint)
        if trainer.step % 250 == 0 or done:
            print(f"step {trainer.step}  validation {trainer.validate(check):.4f}", flush=True)


if __name__ == "__main__":
    main()
