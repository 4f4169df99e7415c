"""Train `mini`: python -m models.training.train --data FOLDER.

Self-supervised, with the map in the loop. A stretch of speech is disguised (pitch and formants moved, another
microphone, noise); its features are transported to the statistics of another stretch of the same speaker; the
vocoder must give back the original. What survives the disguise is content; what the statistics carry is the voice.
A quarter of each batch is also converted to other speakers of the batch, where no target exists: there a judge of
voices must hear those speakers, the long-term spectrum must be theirs, and the encoder must find the content again.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini import MiniConfiguration, MiniEncoder, MiniVocoder
from models.streaming import Memory
from models.training.augmentation import disturb
from models.training.corpus import Batch, Sampler, load_noise
from models.training.from_pack import load_pack
from models.training.likeness import SpeakerJudge, trained_judge
from models.training.losses import SpectralLoss
from models.training.prepare import Corpus, prepare
from models.training.saving import save_whole
from models.training.transport import Moments, moments, transport

SPECTRAL_WEIGHT = 10.0
LIKENESS_WEIGHT = 8.0
COLOUR_WEIGHT = 1.0
CYCLE_WEIGHT = 2.0
CONVERTED_SHARE = 0.25
"""Of the rows that are also converted to another speaker of the batch."""
BLOCK_SIZES = (2, 8, 32)
"""Of the map, drawn anew at each step: around the pack's default, so that the choice is the user's."""
CHECKED_BLOCK_SIZE = 8

Change = Callable[[Tensor, Tensor, Batch], tuple[Tensor, Tensor]]
"""Content `[batch, frames, content_dim]` and voicing `[batch, frames]` to what the vocoder is given instead."""

IDENTITY_SHARE = 0.25
"""Of the rows that are neither disguised nor mapped, so that the vocoder sees what clear features are."""
BELOW_LOUDEST_DB = 32.0


class Trainer:
    """Nets, optimisers and the step that improves them."""

    def __init__(
        self,
        configuration: MiniConfiguration,
        sounded: int,
        steps: int,
        rate: float,
        judge: SpeakerJudge | None = None,
    ) -> None:
        self.configuration = configuration
        self.sounded = sounded
        self.steps = steps
        self.rate = rate
        self.judge = judge
        self.device = training_device()
        self.half_precision = torch.cuda.is_available() or torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        self.nets = nn.ModuleDict({"encoder": MiniEncoder(configuration), "vocoder": MiniVocoder(configuration)})
        self.nets.to(self.device)
        self.average = copy.deepcopy(self.nets).requires_grad_(False)
        self.spectral = SpectralLoss(configuration.sample_rate).to(self.device)
        self.optimiser = torch.optim.AdamW(self.nets.parameters(), rate, betas=(0.8, 0.99), weight_decay=0.01)
        self.step = 0
        self.earlier = 0
        """Steps that the weights had seen when this training began."""

    @property
    def encoder(self) -> MiniEncoder:
        """The encoder that is used now: the one in training, or the averaged one while validating."""
        encoder = self.nets["encoder"]
        assert isinstance(encoder, MiniEncoder)
        return encoder

    def learning_rate(self) -> float:
        """Warm up over 200 steps, then fall along a cosine to a twentieth."""
        progress = min(self.step / self.steps, 1.0)
        return self.rate * min(1.0, (self.step + 1) / 200) * (0.05 + 0.475 * (1 + math.cos(math.pi * progress)))

    def precision(self) -> AbstractContextManager[None]:
        """Return the context in which the nets compute: bfloat16 where it is at hand."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half_precision)

    def activity(self, audio: Tensor) -> Tensor:
        """Return which feature frames `[batch, frames]` hold speech (0 or 1), as late as the features."""
        c = self.configuration
        power = audio.reshape(len(audio), -1, c.hop).square().mean(dim=-1)
        active = (power > power.amax(dim=1, keepdim=True) * 10 ** (-BELOW_LOUDEST_DB / 10)).float()
        return functional.pad(active, (c.lookahead_frames, 0))[:, : active.shape[1]]

    def encode(self, audio: Tensor) -> Tensor:
        """Return z `[batch, frames, latent]` of whole stretches."""
        with self.precision():
            return self.encoder.content(audio, Memory())

    def analyse(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return z and the logits of pitch classes and voicing, of whole stretches."""
        with self.precision():
            analysis: tuple[Tensor, Tensor, Tensor] = self.encoder.analyse(audio, Memory())
        return analysis

    def decode(self, latent: Tensor, pitch: Tensor, voicing: Tensor) -> Tensor:
        """Return audio for features whose log pitch (of Hz) is given."""
        relative = pitch - math.log(self.configuration.pitch_unit)
        features = torch.cat([latent, relative[..., None], voicing[..., None]], dim=-1)
        with self.precision():
            audio: Tensor = self.nets["vocoder"](features, Memory(), torch.exp(pitch))
        return audio

    def aligned(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Cut both to the time they share, the net's delay taken off."""
        delay = self.configuration.delay
        return output[:, delay:], target[:, : target.shape[1] - delay]

    def advance(self, batch: Batch, random: torch.Generator) -> dict[str, float]:
        """Take one step; return the losses by name."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        c = self.configuration
        rows = len(batch.source)
        identity = (torch.rand(rows, 1, generator=random) < IDENTITY_SHARE).to(self.device)
        source = torch.where(identity, batch.target, disturb(batch.source, batch.noise, random))
        source_pitch = torch.where(identity, batch.target_pitch, batch.source_pitch)
        block = BLOCK_SIZES[int(torch.randint(len(BLOCK_SIZES), (), generator=random))]
        latent, likelihood, voicing_logits = self.analyse(source)
        source_moments = moments(latent, self.activity(batch.target))
        reference_moments = moments(self.encode(batch.reference), self.activity(batch.reference))
        moved = transport(latent, source_moments, reference_moments, block, c.latent)
        moved = torch.where(identity[..., None], latent, moved)
        # The voicing that the encoder believes in, as when live: what it gets wrong, the vocoder learns to put right.
        voicing = torch.sigmoid(voicing_logits)
        # Statistics are taken over the whole stretch; sound is made of a part of it.
        first = int(torch.randint(latent.shape[1] - self.sounded + 1, (), generator=random))
        part = slice(first, first + self.sounded)
        sound = batch.target[:, first * c.hop : (first + self.sounded) * c.hop]
        decoded = self.decode(moved[:, part], batch.target_pitch[:, part], voicing[:, part])
        output, target = self.aligned(decoded, sound)

        losses = {"spectral": self.spectral(output, target)}
        losses["pitch"] = self.pitch_loss(likelihood, source_pitch, batch.voicing)
        losses["voicing"] = functional.binary_cross_entropy_with_logits(voicing_logits, batch.voicing)
        total = SPECTRAL_WEIGHT * losses["spectral"] + losses["pitch"] + losses["voicing"]

        if self.judge is not None:
            few = slice(math.ceil(rows * CONVERTED_SHARE))
            here, there = _rows(source_moments, few), _rows(reference_moments, few, turn=1)
            given = transport(latent[few], here, there, block, c.latent)[:, part]
            pitch = self.converted_pitch(batch, source_pitch)[few, part]
            converted = self.decode(given, pitch, voicing[few, part].detach())
            losses |= self.conversion_losses(converted, given, batch.reference.roll(1, dims=0)[few])
            total = total + LIKENESS_WEIGHT * losses["likeness"] + COLOUR_WEIGHT * losses["colour"]
            total = total + CYCLE_WEIGHT * losses["cycle"]

        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.nets.parameters(), 20.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        losses["gradient"] = norm
        self.step += 1
        keep = min(0.999, self.step / (self.step + 100))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.nets.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        return {name: float(value.detach()) for name, value in losses.items()}

    def conversion_losses(self, converted: Tensor, given: Tensor, reference: Tensor) -> dict[str, Tensor]:
        """Return what a conversion that has no target can be judged by.

        `likeness` is one minus the cosine between the directions that the judge of voices hears in it and in the
        `reference`, `colour` the mean difference of their long-term log spectra in mel bands, and `cycle` that of the
        z which the encoder hears from the z which was `given`, in deviations.
        """
        assert self.judge is not None
        c = self.configuration
        sound = converted[:, c.overlap_delay :]
        with self.precision():
            heard, wanted = self.judge(sound), self.judge(reference)
        colours = [_long_term(self.judge.bands(audio)) for audio in (sound, reference)]
        again = self.encode_frozen(sound[:, : sound.shape[1] // c.hop * c.hop])[:, c.lookahead_frames :, : c.latent]
        z = given[..., : c.latent].detach()
        error = (again - z[:, : again.shape[1]]) / z.std(dim=(0, 1))
        return {
            "likeness": 1 - (heard * wanted).sum(dim=1).mean(),
            "colour": (colours[0] - colours[1]).abs().mean(),
            "cycle": error.abs().mean(),
        }

    def pitch_loss(self, likelihood: Tensor, pitch: Tensor, voicing: Tensor) -> Tensor:
        """Return the cross entropy of the pitch classes against a bell around the true log pitch, where voiced."""
        classes = self.encoder.tracker.classes
        place = (pitch - math.log(self.configuration.pitch_unit) - classes[0]) / (classes[1] - classes[0])
        distance = place[..., None] - torch.arange(len(classes), device=place.device)
        wanted = functional.softmax(-0.5 * distance.square(), dim=-1)
        entropy = -(wanted * functional.log_softmax(likelihood, dim=-1)).sum(dim=-1)
        return (entropy * voicing).sum() / voicing.sum().clamp(min=1)

    def converted_pitch(self, batch: Batch, source_pitch: Tensor) -> Tensor:
        """Return the source's log pitch moved to the mean of the row before, whose voice it will have."""
        mean = (batch.target_pitch * batch.voicing).sum(1) / batch.voicing.sum(1).clamp(min=1)
        here = (source_pitch * batch.voicing).sum(1) / batch.voicing.sum(1).clamp(min=1)
        known = (batch.voicing.sum(1) > 0) & (batch.voicing.roll(1, dims=0).sum(1) > 0)
        move = torch.where(known, mean.roll(1, dims=0) - here, torch.zeros_like(mean))
        return (source_pitch + move[:, None]).clamp(math.log(50.0), math.log(700.0))

    def encode_frozen(self, audio: Tensor) -> Tensor:
        """Encode without teaching the encoder: it is the measure here, not the pupil."""
        self.encoder.requires_grad_(False)
        latent = self.encode(audio)
        self.encoder.requires_grad_(True)
        return latent

    @torch.no_grad()
    def resynthesis_loss(self, batch: Batch, block: int | None, change: Change | None = None) -> float:
        """Return the spectral loss of the target made again from its own features.

        With a `block`, of the target made from the features of the disguised source, carried to the statistics of the
        reference by the map in blocks of that size. `change` alters what the vocoder is given.
        """
        content, _, voicing_logits = self.analyse(batch.target if block is None else batch.source)
        voicing = torch.sigmoid(voicing_logits)
        if block is not None:
            here = moments(content, self.activity(batch.target))
            there = moments(self.encode(batch.reference), self.activity(batch.reference))
            content = transport(content, here, there, block, self.configuration.latent)
        if change is not None:
            content, voicing = change(content, voicing, batch)
        output, target = self.aligned(self.decode(content, batch.target_pitch, voicing), batch.target)
        return float(self.spectral(output, target))

    def validate(self, batches: list[Batch]) -> float:
        """Return the mean spectral loss of the averaged nets on clean stretches of unheard speakers."""
        trained, self.nets = self.nets, self.average
        self.nets.eval()
        total = sum(self.resynthesis_loss(batch, CHECKED_BLOCK_SIZE) for batch in batches)
        self.nets = trained
        return total / len(batches)

    def save(self, path: Path) -> None:
        """Write everything needed to go on to `path`."""
        contents = {
            "configuration": self.configuration.to_dict(),
            "step": self.step,
            "earlier": self.earlier,
            "nets": self.nets.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        save_whole(contents, path)

    def begin_with(self, pack: Path) -> None:
        """Begin with the weights of a pack of the same sizes."""
        self.earlier = load_pack(pack, self.nets)
        self.average.load_state_dict(self.nets.state_dict())

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        saved = torch.load(path, map_location=self.device, weights_only=True)
        for name in ("nets", "average", "optimiser"):
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.earlier = saved["step"], saved["earlier"]


def training_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _rows(statistics: Moments, rows: slice, turn: int = 0) -> Moments:
    """Return the moments of some rows, or of those `turn` rows before them."""
    mean, covariance = statistics
    return mean.roll(turn, dims=0)[rows], covariance.roll(turn, dims=0)[rows]


def _long_term(bands: Tensor) -> Tensor:
    """Return the mean `[batch, bands]` of log mel bands `[batch, bands, frames]` over the frames' louder half."""
    level = bands.mean(dim=1, keepdim=True)
    loud = (level >= level.median(dim=-1, keepdim=True).values).float()
    return (bands * loud).sum(dim=-1) / loud.sum(dim=-1)


def parted_speakers(corpus: Corpus) -> tuple[list[str], list[str]]:
    """Return the speakers that are trained on, and those that are held out."""
    names = sorted(corpus.speakers)
    held_out = set(np.random.default_rng(0).permutation(names)[: max(1, len(names) // 40)].tolist())
    return [name for name in names if name not in held_out], sorted(held_out)


def samplers(corpus: Corpus, noise: npt.NDArray[np.float32], sounded: int) -> tuple[Sampler, Sampler]:
    """Return where training draws from, and of speakers held out of it; `sounded` is in frames."""
    frames, reference = sounded * 3 // 2, sounded * 2
    heard, held_out = (Sampler(corpus, names, noise, frames, reference) for names in parted_speakers(corpus))
    return heard, held_out


def checked(sampler: Sampler, rows: int) -> list[Batch]:
    """Return the stretches that nets are checked on, always the same."""
    return [sampler.draw(rows, np.random.default_rng(number)) for number in range(4)]


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="speech: …/<speaker>/<utterance>.{flac,ogg,wav}, 16 kHz"
    )
    parser.add_argument("--noise", type=Path, help="recordings of noise to mix in, 16 kHz")
    parser.add_argument(
        "--output", type=Path, default=Path("training-output"), help="for prepared data and checkpoint"
    )
    parser.add_argument("--from-pack", type=Path, help="begin with this pack's weights rather than with random ones")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.56, help="of sound made in a row")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate at its highest")
    parser.add_argument("--judge-steps", type=int, default=2000, help="for the judge of voices")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    configuration = MiniConfiguration()
    torch.manual_seed(arguments.seed)
    corpus = prepare(arguments.data, arguments.output / "data")
    sounded = round(arguments.seconds * configuration.sample_rate / configuration.hop)
    noise = load_noise(arguments.noise)
    sampler, checking = samplers(corpus, noise, sounded)
    path, heard = arguments.output / "judge.pt", parted_speakers(corpus)[0]
    judge = trained_judge(path, corpus, heard, noise, arguments.judge_steps, training_device())
    trainer = Trainer(configuration, sounded, arguments.steps, arguments.rate, judge)
    check = [batch.to(trainer.device) for batch in checked(checking, arguments.batch)]
    checkpoint = arguments.output / "mini.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        print(f"resumed at step {trainer.step}", flush=True)
    elif arguments.from_pack is not None:
        trainer.begin_with(arguments.from_pack)

    seen: dict[str, list[float]] = defaultdict(list)
    began, first = time.monotonic(), trainer.step
    while trainer.step < arguments.steps:
        # Seeded by the step, so that a resumed run draws what an unbroken one would have drawn.
        random = np.random.default_rng((arguments.seed, trainer.step))
        batch = sampler.draw(arguments.batch, random).to(trainer.device)
        losses = trainer.advance(batch, torch.Generator().manual_seed(int(random.integers(2**62))))
        for name, value in losses.items():
            seen[name].append(value)
        if trainer.step % 50 == 0:
            pace = (time.monotonic() - began) / (trainer.step - first)
            report = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in seen.items())
            print(f"step {trainer.step}  {pace:.2f} s  {report}", flush=True)
            seen.clear()
        if trainer.step % 250 == 0 or trainer.step == arguments.steps:
            trainer.save(checkpoint)
            print(f"step {trainer.step}  validation {trainer.validate(check):.4f}", flush=True)


if __name__ == "__main__":
    main()
