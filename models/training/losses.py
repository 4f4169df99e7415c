"""What training strives for: spectra like the target's, and two opponents' opinion."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini import mel_matrix

SPECTRAL_WINDOWS = (2048, 1024, 512, 256)
MEL_WINDOWS = {1024: 80, 512: 40, 256: 20}
DISCRIMINATOR_WINDOWS = (1024, 512, 256)


class SpectralLoss(nn.Module):
    """Distance of two sounds `[batch, samples]` over several short-time spectra.

    For each window: the mean difference of log magnitudes, of log mel bands (which count where the ear does),
    and the spectral convergence of Arik et al., 2019.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        for window in SPECTRAL_WINDOWS:
            self.register_buffer(f"window_{window}", torch.hann_window(window))
        for window, bands in MEL_WINDOWS.items():
            self.register_buffer(f"mel_{window}", mel_matrix(bands, window, sample_rate))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        total = output.new_zeros(())
        for window in SPECTRAL_WINDOWS:
            shape = self.get_buffer(f"window_{window}")
            a = _magnitude(output, window, shape)
            b = _magnitude(target, window, shape)
            total = total + functional.l1_loss(torch.log(a + 1e-3), torch.log(b + 1e-3))
            total = total + torch.linalg.norm(a - b) / (torch.linalg.norm(b) + 1e-3)
            if window in MEL_WINDOWS:
                bank = self.get_buffer(f"mel_{window}")
                a, b = (torch.log(x.square().transpose(1, 2) @ bank + 1e-5) for x in (a, b))
                total = total + 2 * functional.l1_loss(a, b)
        return total / len(SPECTRAL_WINDOWS)


def _magnitude(audio: Tensor, window: int, shape: Tensor) -> Tensor:
    spectrum = torch.stft(audio, window, window // 4, window=shape, return_complex=True)
    return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-9)


class SpectrumDiscriminator(nn.Module):
    """Judges one short-time spectrum, real and imaginary part: returns the opinion and what led to it."""

    def __init__(self, window: int, width: int = 16) -> None:
        super().__init__()
        self.window = window
        self.register_buffer("shape", torch.hann_window(window))
        strides = ((1, 2), (1, 2), (1, 2), (1, 2))
        widths = (2, width, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(into, out, (3, 7), stride, padding=(1, 3)))
            for into, out, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.opinion = nn.utils.parametrizations.weight_norm(nn.Conv2d(2 * width, 1, (3, 3), padding=1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Return the activations of every layer; the last is the opinion."""
        spectrum = torch.stft(
            audio,
            self.window,
            self.window // 4,
            window=self.get_buffer("shape"),
            normalized=True,
            return_complex=True,
        )
        # Compressed, so that the quiet consonants are seen beside the loud vowels.
        scale = (spectrum.abs() + 1e-4) ** -0.7
        x = torch.stack([spectrum.real * scale, spectrum.imag * scale], dim=1).transpose(2, 3)
        seen = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return [*seen, self.opinion(x)]


class Discriminators(nn.Module):
    """Opponents of several resolutions, with the hinge losses."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(SpectrumDiscriminator(window) for window in DISCRIMINATOR_WINDOWS)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminators' loss: real above 1, fake below -1."""
        total = real.new_zeros(())
        for discriminator in self.judges:
            above, below = discriminator(real)[-1].float(), discriminator(fake)[-1].float()
            total = total + functional.relu(1 - above).mean() + functional.relu(1 + below).mean()
        return total / len(self.judges)

    def persuade(self, fake: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the generator's loss and, where there is a `real` to match, the feature-matching loss."""
        opinion, matching = fake.new_zeros(()), fake.new_zeros(())
        for discriminator in self.judges:
            seen = discriminator(fake)
            opinion = opinion - seen[-1].float().mean()
            if real is None:
                continue
            with torch.no_grad():
                wanted = discriminator(real)
            for a, b in zip(seen[:-1], wanted[:-1], strict=True):
                matching = matching + functional.l1_loss(a.float(), b.float()) / (b.float().abs().mean() + 1e-3)
        return opinion / len(self.judges), matching / (4 * len(self.judges))
