"""One step of training `mini`: the rows, the map in the loop, the losses, and the averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini.configuration import MiniConfiguration
from models.mini.encoder import MiniEncoder
from models.mini.vocoder import MiniVocoder
from models.streaming import StreamingState
from models.training.augmentation import augment
from models.training.checkpoint import save_atomically
from models.training.corpus import Batch
from models.training.from_pack import load_pack
from models.training.losses import LogMel, SpectralLoss, long_term_spectrum
from models.training.precision import autocast
from models.training.speaker_encoder import SpeakerEncoder
from models.training.transport import Moments, moments, transport

SPECTRAL_WEIGHT = 10.0
SPEAKER_WEIGHT = 6.0
LONG_TERM_WEIGHT = 1.0
CYCLE_WEIGHT = 3.0
STATISTICS_WEIGHT = 4.0
BLOCK_SIZES = (2, 8, 16, 32, 64)
"""Of the map, drawn anew at each step: around the pack's default, so that the choice is the user's."""
MOST_OVERDRIVE = 2.2
"""Conversions multiply the displacement of cepstra by 1 … this: the factor of the card is chosen afterwards."""
CHECKED_BLOCK_SIZE = 8

Change = Callable[[Tensor, Tensor, Batch], tuple[Tensor, Tensor]]
"""Replaces content `[batch, frames, content_dim]` and voicing `[batch, frames]` before the vocoder."""

IDENTITY_SHARE = 0.2
"""Of the rows that are neither augmented nor mapped, so that the vocoder sees clean features."""
BELOW_LOUDEST_DB = 32.0


class Trainer:
    """Nets, optimiser and the step that improves them."""

    def __init__(
        self,
        configuration: MiniConfiguration,
        sounded: int,
        rate: float,
        conversions: float = 0.5,
        speaker_encoder: SpeakerEncoder | None = None,
    ) -> None:
        self.configuration = configuration
        self.sounded = sounded
        self.rate = rate
        self.conversions = conversions
        """Share of the rows that are also converted to another speaker of the batch."""
        self.speaker_encoder = speaker_encoder
        self.device = training_device()
        self.nets = nn.ModuleDict({"encoder": MiniEncoder(configuration), "vocoder": MiniVocoder(configuration)})
        self.nets.to(self.device)
        self.average = copy.deepcopy(self.nets).requires_grad_(False)
        self.spectral = SpectralLoss(configuration.sample_rate).to(self.device)
        self.log_mel = LogMel(configuration.sample_rate).to(self.device)
        self.optimiser = torch.optim.AdamW(self.nets.parameters(), rate, betas=(0.8, 0.99), weight_decay=0.01)
        self.step = 0
        self.seconds = 0.0
        """Time spent training."""
        self.earlier = 0
        """Steps that the weights had been trained for when this training began."""

    @property
    def encoder(self) -> MiniEncoder:
        """The encoder in use: the trained one, or the averaged one while validating."""
        encoder = self.nets["encoder"]
        assert isinstance(encoder, MiniEncoder)
        return encoder

    def learning_rate(self, progress: float) -> float:
        """Warm up over 100 steps, then fall along a cosine to a twentieth as `progress` goes from 0 to 1."""
        cosine = math.cos(math.pi * min(progress, 1.0))
        return self.rate * min(1.0, (self.step + 1) / 100) * (0.05 + 0.475 * (1 + cosine))

    def activity(self, audio: Tensor) -> Tensor:
        """Return which feature frames `[batch, frames]` hold speech (0 or 1), as late as the features."""
        c = self.configuration
        power = audio.reshape(len(audio), -1, c.hop).square().mean(dim=-1)
        active = (power > power.amax(dim=1, keepdim=True) * 10 ** (-BELOW_LOUDEST_DB / 10)).float()
        return functional.pad(active, (c.lookahead_frames, 0))[:, : active.shape[1]]

    def encode(self, audio: Tensor) -> Tensor:
        """Return z and cepstra `[batch, frames, content_dim]` of whole stretches."""
        return self.analyse(audio)[0]

    def analyse(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return z and cepstra, and the logits of pitch classes and voicing, of whole stretches."""
        with autocast(self.device):
            analysis: tuple[Tensor, Tensor, Tensor] = self.encoder.analyse(audio, StreamingState())
        return analysis

    def decode(self, content: Tensor, pitch: Tensor, voicing: Tensor) -> Tensor:
        """Return audio for features whose log pitch (of Hz) is given."""
        relative = pitch - math.log(self.configuration.pitch_unit)
        features = torch.cat([content, relative[..., None], voicing[..., None]], dim=-1)
        with autocast(self.device):
            audio: Tensor = self.nets["vocoder"](features, StreamingState(), torch.exp(pitch))
        return audio

    def aligned(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Remove the net's delay, and cut both to the time they share."""
        delay = self.configuration.delay
        return output[:, delay:], target[:, : target.shape[1] - delay]

    def advance(self, batch: Batch, random: torch.Generator, progress: float) -> dict[str, float]:
        """Take one step; return the losses by name."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(progress)
        c = self.configuration
        rows = len(batch.source)
        identity = (torch.rand(rows, 1, generator=random) < IDENTITY_SHARE).to(self.device)
        source = torch.where(identity, batch.target, augment(batch.source, batch.noise, random))
        source_pitch = torch.where(identity, batch.target_pitch, batch.source_pitch)
        block = BLOCK_SIZES[int(torch.randint(len(BLOCK_SIZES), (), generator=random))]
        content, likelihood, voicing_logits = self.analyse(source)
        source_moments = moments(content, self.activity(batch.target))
        # The gradient of the references costs a quarter of a step: every other step goes without.
        with torch.set_grad_enabled(self.step % 2 == 0):
            reference_moments = moments(self.encode(batch.reference), self.activity(batch.reference))
        moved = transport(content, source_moments, reference_moments, block, c.latent)
        moved = torch.where(identity[..., None], content, moved)
        # The encoder's own voicing, as when live: the vocoder learns to put right what it gets wrong.
        voicing = torch.sigmoid(voicing_logits)
        # Statistics are taken over the whole stretch; sound is made of a part of it.
        first = int(torch.randint(content.shape[1] - self.sounded + 1, (), generator=random))
        part = slice(first, first + self.sounded)
        sound = batch.target[:, first * c.hop : (first + self.sounded) * c.hop]

        contents, pitches, voicings = [moved], [batch.target_pitch], [voicing]
        few = slice(math.ceil(rows * self.conversions))
        if few.stop:
            here, there = _rows(source_moments, few), _rows(reference_moments, few, turn=1)
            moves = transport(content[few], here, there, block, c.latent) - content[few]
            overdrive = torch.ones(len(moves), 1, c.content_dim)
            overdrive[..., c.latent :] += (MOST_OVERDRIVE - 1) * torch.rand(len(moves), 1, 1, generator=random)
            contents.append(content[few] + overdrive.to(self.device) * moves)
            pitches.append(self.converted_pitch(batch, source_pitch)[few])
            voicings.append(voicing[few].detach())
        # Recordings and conversions go through the vocoder in one batch.
        decoded = self.decode(torch.cat(contents)[:, part], torch.cat(pitches)[:, part], torch.cat(voicings)[:, part])
        output, target = self.aligned(decoded[:rows], sound)
        losses = {"spectral": self.spectral(output, target)}
        losses["pitch"] = self.pitch_loss(likelihood, source_pitch, batch.voicing)
        losses["voicing"] = functional.binary_cross_entropy_with_logits(voicing_logits, batch.voicing)
        total = SPECTRAL_WEIGHT * losses["spectral"] + losses["pitch"] + losses["voicing"]
        if few.stop:
            active = self.activity(batch.target)[few, part]
            reference = batch.reference.roll(1, 0)[few]
            losses |= self.conversion_losses(decoded[rows:], contents[1][:, part], there, reference, active)
            total = total + LONG_TERM_WEIGHT * losses["long_term"] + CYCLE_WEIGHT * losses["cycle"]
            total = total + STATISTICS_WEIGHT * (losses["bias"] + losses["spread"])
            if self.speaker_encoder is not None:
                total = total + SPEAKER_WEIGHT * losses["speaker"]

        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.nets.parameters(), 20.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        losses["gradient"] = norm
        self.step += 1
        keep = min(0.998, self.step / (self.step + 100))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.nets.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        return {name: float(value.detach()) for name, value in losses.items()}

    def conversion_losses(
        self, converted: Tensor, given: Tensor, wanted: Moments, reference: Tensor, active: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses of a conversion, which has no target.

        `converted` `[batch, samples]` is encoded again and compared with the features `[batch, frames, content_dim]`
        that the vocoder was `given`, in the deviations of the target (`wanted`). `cycle` is the mean distance, `bias`
        that of the means over the `active` frames, `spread` that of the logarithms of their deviations. `long_term`
        is the distance of long-term log spectra from the `reference`, and `speaker` one minus the cosine of the
        speaker encoder's embeddings.
        """
        c = self.configuration
        sound = converted[:, c.overlap_delay :]
        again = self.encode_frozen(sound[:, : sound.shape[1] // c.hop * c.hop])[:, c.lookahead_frames :]
        given = given.detach()[:, : again.shape[1]]
        active = active[:, : again.shape[1], None]
        deviation = torch.diagonal(wanted[1].detach(), dim1=1, dim2=2).sqrt()[:, None]
        error = (again - given) / deviation
        count = active.sum(dim=1, keepdim=True).clamp(min=1)
        bias = (error * active).sum(dim=1, keepdim=True) / count
        spreads = []
        for features in (again, given):
            mean = (features * active).sum(dim=1, keepdim=True) / count
            variance = ((features - mean).square() * active).sum(dim=1, keepdim=True) / count
            spreads.append(0.5 * torch.log(variance / deviation.square() + 1e-2))
        bands = [long_term_spectrum(self.log_mel(audio)) for audio in (sound, reference)]
        losses = {
            "cycle": error.abs().mean(),
            "bias": bias.abs().mean(),
            "spread": (spreads[0] - spreads[1]).abs().mean(),
            "long_term": (bands[0] - bands[1]).abs().mean(),
        }
        if self.speaker_encoder is not None:
            with autocast(self.device):
                embedding, target = self.speaker_encoder(sound), self.speaker_encoder(reference)
            losses["speaker"] = 1 - (embedding * target).sum(dim=1).mean()
        return losses

    def pitch_loss(self, likelihood: Tensor, pitch: Tensor, voicing: Tensor) -> Tensor:
        """Return the cross entropy of the pitch classes against a bell around the true log pitch, where voiced."""
        classes = self.encoder.tracker.classes
        place = (pitch - math.log(self.configuration.pitch_unit) - classes[0]) / (classes[1] - classes[0])
        distance = place[..., None] - torch.arange(len(classes), device=place.device)
        wanted = functional.softmax(-0.5 * distance.square(), dim=-1)
        entropy = -(wanted * functional.log_softmax(likelihood, dim=-1)).sum(dim=-1)
        return (entropy * voicing).sum() / voicing.sum().clamp(min=1)

    def converted_pitch(self, batch: Batch, source_pitch: Tensor) -> Tensor:
        """Return the source's log pitch, shifted to the mean of the row before, whose voice it takes."""
        mean = (batch.target_pitch * batch.voicing).sum(1) / batch.voicing.sum(1).clamp(min=1)
        here = (source_pitch * batch.voicing).sum(1) / batch.voicing.sum(1).clamp(min=1)
        known = (batch.voicing.sum(1) > 0) & (batch.voicing.roll(1, dims=0).sum(1) > 0)
        move = torch.where(known, mean.roll(1, dims=0) - here, torch.zeros_like(mean))
        return (source_pitch + move[:, None]).clamp(math.log(50.0), math.log(700.0))

    def encode_frozen(self, audio: Tensor) -> Tensor:
        """Encode without training the encoder, which is the measure here."""
        self.encoder.requires_grad_(False)
        content = self.encode(audio)
        self.encoder.requires_grad_(True)
        return content

    @torch.no_grad()
    def resynthesis_loss(self, batch: Batch, block: int | None, change: Change | None = None) -> float:
        """Return the spectral loss of the target resynthesised from its own features.

        With a `block`, from the features of the source, mapped to the reference's statistics in blocks of that size.
        `change` alters the features that the vocoder gets.
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
        """Return the mean spectral loss of the averaged nets on held-out speakers, mapped by MKL."""
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
            "seconds": self.seconds,
            "earlier": self.earlier,
            "nets": self.nets.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        save_atomically(contents, path)

    def begin_with(self, pack: Path) -> None:
        """Begin with the weights of a pack of the same sizes."""
        self.earlier = load_pack(pack, self.nets)
        self.average.load_state_dict(self.nets.state_dict())

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        saved = torch.load(path, map_location=self.device, weights_only=True)
        for name in ("nets", "average", "optimiser"):
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.seconds, self.earlier = saved["step"], saved["seconds"], saved["earlier"]


def training_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _rows(statistics: Moments, rows: slice, turn: int = 0) -> Moments:
    """Return the moments of some rows, or of those `turn` rows before them."""
    mean, covariance = statistics
    return mean.roll(turn, dims=0)[rows], covariance.roll(turn, dims=0)[rows]
