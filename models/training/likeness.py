"""Who is speaking: a judge of voices, taught by the training speakers, tells whether a conversion has arrived."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini import mel_matrix
from models.training.augmentation import disturb
from models.training.prepare import SAMPLE_RATE, Corpus
from models.training.saving import save_whole

WINDOW = 512
HOP = 160
BANDS = 64
WIDTH = 192
DIMENSIONS = 128
SHORTEST_SPEAKER_SECONDS = 6.0
STRETCH_SECONDS = (1.5, 2.56)
ROWS = 64
RATE = 2e-3
MARGIN = 0.2
SHARPNESS = 20.0


class SpeakerJudge(nn.Module):
    """Audio `[batch, samples]` to directions `[batch, DIMENSIONS]` of length one, alike for one speaker.

    Dilated convolutions over log mel bands, then mean and deviation of the frames that count (the attentive
    statistics pooling of Okabe, Koshinaka & Shinoda, 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shape", torch.hann_window(WINDOW))
        self.register_buffer("mel", mel_matrix(BANDS, WINDOW, SAMPLE_RATE))
        self.receive = nn.Conv1d(BANDS, WIDTH, 5, stride=2)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, dilation=dilation) for dilation in (1, 2, 3, 1))
        self.norms = nn.ModuleList(nn.GroupNorm(8, WIDTH) for _ in range(5))
        self.attend = nn.Conv1d(WIDTH, WIDTH, 1)
        self.embed = nn.Linear(2 * WIDTH, DIMENSIONS)

    def bands(self, audio: Tensor) -> Tensor:
        """Return the log power of mel bands `[batch, BANDS, frames]`."""
        with torch.autocast(audio.device.type, enabled=False):
            shape = self.get_buffer("shape")
            spectrum = torch.stft(audio, WINDOW, HOP, window=shape, center=False, return_complex=True)
            power = (spectrum.real.square() + spectrum.imag.square()).transpose(1, 2) @ self.get_buffer("mel")
            return torch.log(power + 1e-4).transpose(1, 2)

    def forward(self, audio: Tensor) -> Tensor:
        """Return the directions."""
        # About -3 to 3.
        x = functional.relu(self.norms[0](self.receive(0.3 * self.bands(audio) + 0.5)))
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            narrower = functional.relu(norm(layer(x)))
            cut = (x.shape[-1] - narrower.shape[-1]) // 2
            x = narrower + x[..., cut:-cut]
        weight = torch.softmax(self.attend(x), dim=-1)
        mean = (x * weight).sum(dim=-1)
        deviation = ((x.square() * weight).sum(dim=-1) - mean.square()).clamp(min=1e-4).sqrt()
        return functional.normalize(self.embed(torch.cat([mean, deviation], dim=1)).float(), dim=1)


def trained_judge(
    path: Path, corpus: Corpus, speakers: list[str], noise: npt.NDArray[np.float32], steps: int, device: torch.device
) -> SpeakerJudge:
    """Return the judge kept at `path`; if there is none, teach one to tell `speakers` apart, and keep it there.

    By the additive-margin softmax of Wang et al., 2018, on stretches that microphones and noise have changed.
    """
    judge = SpeakerJudge().to(device)
    if path.exists():
        judge.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    else:
        _teach(judge, corpus, speakers, noise, steps, device)
        save_whole(judge.state_dict(), path)
    return judge.eval().requires_grad_(False)


def _teach(
    judge: SpeakerJudge,
    corpus: Corpus,
    speakers: list[str],
    noise: npt.NDArray[np.float32],
    steps: int,
    device: torch.device,
) -> None:
    spans = [corpus.speakers[name] for name in speakers]
    spans = [span for span in spans if span[1] >= SHORTEST_SPEAKER_SECONDS * SAMPLE_RATE] or spans
    centres = nn.Parameter(torch.randn(len(spans), DIMENSIONS, device=device))
    optimiser = torch.optim.AdamW([*judge.parameters(), centres], RATE, weight_decay=0.01)
    right = 0.0
    for step in range(steps):
        rate = RATE * min(1.0, (step + 1) / 100) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        random = np.random.default_rng((9, step))
        who = random.choice(len(spans), ROWS)
        samples = round(random.uniform(*STRETCH_SECONDS) * SAMPLE_RATE)
        speech = np.stack([_stretch(corpus.audio, spans[index], samples, random) for index in who])
        if len(noise) > samples:
            beside = np.stack([_stretch(noise, (0, len(noise)), samples, random) for _ in who])
        else:
            beside = random.standard_normal(speech.shape).astype(np.float32)
        generator = torch.Generator().manual_seed(step)
        heard = disturb(torch.from_numpy(speech).to(device), torch.from_numpy(beside).to(device), generator)
        with torch.autocast(device.type, torch.bfloat16):
            directions = judge(heard)
        alike = directions @ functional.normalize(centres, dim=1).T
        truth = torch.from_numpy(who).to(device)
        logits = SHARPNESS * (alike - MARGIN * functional.one_hot(truth, len(spans)))
        loss = functional.cross_entropy(logits, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        right += float((alike.argmax(dim=1) == truth).float().mean())
        if (step + 1) % 100 == 0:
            print(f"judge of voices: step {step + 1}  loss {loss.item():.3f}  right {right / 100:.2f}", flush=True)
            right = 0.0


def _stretch(
    sound: npt.NDArray[np.int16] | npt.NDArray[np.float32],
    span: tuple[int, int],
    samples: int,
    random: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """A stretch at random of a span (start and length), filled up with silence if that is too short."""
    start, length = span
    first = start + int(random.integers(max(1, length - samples + 1)))
    part = sound[first : min(first + samples, start + length)]
    scale = np.float32(1 / 32768) if part.dtype == np.int16 else np.float32(1)
    return np.pad(part.astype(np.float32) * scale, (0, samples - len(part)))
