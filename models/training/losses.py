"""Spectral losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini.spectra import mel_matrix
from models.training.precision import autocast

SPECTRAL_WINDOWS = (2048, 1024, 512, 256)
MEL_WINDOWS = {1024: 80, 512: 40, 256: 20}
LOG_MEL_WINDOW, LOG_MEL_HOP, LOG_MEL_BANDS = 512, 160, 64


class LogMel(nn.Module):
    """Audio `[batch, samples]` to the log power of mel bands `[batch, LOG_MEL_BANDS, frames]`."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(LOG_MEL_WINDOW))
        self.register_buffer("mel", mel_matrix(LOG_MEL_BANDS, LOG_MEL_WINDOW, sample_rate))

    def forward(self, audio: Tensor) -> Tensor:
        """Return the bands."""
        with autocast(audio.device, enabled=False):
            window = self.get_buffer("window")
            spectrum = torch.stft(
                audio, LOG_MEL_WINDOW, LOG_MEL_HOP, window=window, center=False, return_complex=True
            )
            power = (spectrum.real.square() + spectrum.imag.square()).transpose(1, 2) @ self.get_buffer("mel")
            return torch.log(power + 1e-4).transpose(1, 2)


def long_term_spectrum(bands: Tensor) -> Tensor:
    """Return the mean `[batch, bands]` over the louder half of the frames of `bands` `[batch, bands, frames]`."""
    level = bands.mean(dim=1, keepdim=True)
    loud = (level >= level.median(dim=-1, keepdim=True).values).float()
    return (bands * loud).sum(dim=-1) / loud.sum(dim=-1)


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
