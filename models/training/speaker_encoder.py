"""A speaker encoder, taught by the training speakers: it tells whether a conversion sounds like its target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.augmentation import augment
from models.training.checkpoint import save_atomically
from models.training.losses import LOG_MEL_BANDS, LogMel
from models.training.precision import autocast
from models.training.prepare import SAMPLE_RATE, Corpus

WIDTH = 192
DIMENSIONS = 128
SHORTEST_SPEAKER_SECONDS = 6.0
STRETCH_SECONDS = (1.5, 2.56)
ROWS = 32
RATE = 2e-3
MARGIN = 0.2
SHARPNESS = 20.0


class SpeakerEncoder(nn.Module):
    """Audio `[batch, samples]` to embeddings `[batch, DIMENSIONS]` of length one, similar for one speaker.

    Dilated convolutions over log mel bands, then mean and deviation of the frames that count (the attentive
    statistics pooling of Okabe, Koshinaka & Shinoda, 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.bands = LogMel(SAMPLE_RATE)
        self.in_proj = nn.Conv1d(LOG_MEL_BANDS, WIDTH, 5, stride=2)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, dilation=dilation) for dilation in (1, 2, 3, 1))
        self.norms = nn.ModuleList(nn.GroupNorm(8, WIDTH) for _ in range(5))
        self.attention = nn.Conv1d(WIDTH, WIDTH, 1)
        self.out_proj = nn.Linear(2 * WIDTH, DIMENSIONS)

    def forward(self, audio: Tensor) -> Tensor:
        """Return the embeddings."""
        # About -3 to 3.
        x = functional.relu(self.norms[0](self.in_proj(0.3 * self.bands(audio) + 0.5)))
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            y = functional.relu(norm(layer(x)))
            cut = (x.shape[-1] - y.shape[-1]) // 2
            x = y + x[..., cut:-cut]
        weight = torch.softmax(self.attention(x), dim=-1)
        mean = (x * weight).sum(dim=-1)
        deviation = ((x.square() * weight).sum(dim=-1) - mean.square()).clamp(min=1e-4).sqrt()
        return functional.normalize(self.out_proj(torch.cat([mean, deviation], dim=1)).float(), dim=1)


def trained_speaker_encoder(
    path: Path,
    corpus: Corpus,
    speakers: Sequence[str],
    noise: npt.NDArray[np.float32],
    steps: int,
    device: torch.device,
) -> SpeakerEncoder:
    """Return the speaker encoder kept at `path`; if there is none, train one to tell `speakers` apart and keep it.

    By the additive-margin softmax of Wang et al., 2018, on stretches with another equalisation and noise.
    """
    encoder = SpeakerEncoder().to(device)
    if path.exists():
        encoder.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    else:
        _train(encoder, corpus, speakers, noise, steps, device)
        save_atomically(encoder.state_dict(), path)
    return encoder.eval().requires_grad_(False)


def _train(
    encoder: SpeakerEncoder,
    corpus: Corpus,
    speakers: Sequence[str],
    noise: npt.NDArray[np.float32],
    steps: int,
    device: torch.device,
) -> None:
    known = [name for name in speakers if corpus[name].seconds >= SHORTEST_SPEAKER_SECONDS] or speakers
    speech = [corpus[name].audio[0] for name in known]
    centres = nn.Parameter(torch.randn(len(speech), DIMENSIONS, device=device))
    optimiser = torch.optim.AdamW([*encoder.parameters(), centres], RATE, weight_decay=0.01)
    right = 0.0
    for step in range(steps):
        rate = RATE * min(1.0, (step + 1) / 100) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        random = np.random.default_rng((9, step))
        who = random.choice(len(speech), ROWS)
        samples = round(random.uniform(*STRETCH_SECONDS) * SAMPLE_RATE)
        clean = np.stack([_stretch(speech[index], samples, random) for index in who])
        if len(noise) > samples:
            beside = np.stack([_stretch(noise, samples, random) for _ in who])
        else:
            beside = random.standard_normal(clean.shape).astype(np.float32)
        generator = torch.Generator().manual_seed(step)
        heard = augment(torch.from_numpy(clean).to(device), torch.from_numpy(beside).to(device), generator)
        with autocast(device):
            embeddings = encoder(heard)
        cosines = embeddings @ functional.normalize(centres, dim=1).T
        truth = torch.from_numpy(who).to(device)
        # With the full margin from the start, several hundred speakers are not told apart for hundreds of steps.
        margin = MARGIN * min(1.0, 2 * step / steps)
        logits = SHARPNESS * (cosines - margin * functional.one_hot(truth, len(speech)))
        loss = functional.cross_entropy(logits, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        right += float((cosines.argmax(dim=1) == truth).float().mean())
        if (step + 1) % 100 == 0:
            print(f"speaker encoder: step {step + 1}  loss {loss.item():.3f}  right {right / 100:.2f}", flush=True)
            right = 0.0


def _stretch(
    sound: npt.NDArray[np.int16] | npt.NDArray[np.float32], samples: int, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return a random stretch, padded with silence if the sound is too short."""
    first = int(random.integers(max(1, len(sound) - samples + 1)))
    part = sound[first : first + samples]
    scale = np.float32(1 / 32768) if part.dtype == np.int16 else np.float32(1)
    return np.pad(part.astype(np.float32) * scale, (0, samples - len(part)))
