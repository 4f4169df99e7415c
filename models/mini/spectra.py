"""Fourier and cosine transforms, mel bands and windows, as matrices that exported graphs multiply by."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CEPSTRAL_SCALE = 4.0
"""Brings cepstra to about the size of z."""


def fourier_basis(window: int, bins: int, weights: Tensor) -> Tensor:
    """Return `[window, 2·bins]`: the real and imaginary parts of a windowed Fourier transform as one matrix."""
    angle = 2 * math.pi / window * torch.outer(torch.arange(window).double(), torch.arange(bins).double())
    basis = torch.cat([angle.cos(), -angle.sin()], dim=1) * weights.double()[:, None]
    return basis.float()


def inverse_fourier_basis(window: int, weights: Tensor) -> Tensor:
    """Return `[2·bins, window]`: the inverse of a full `fourier_basis`, windowed."""
    bins = window // 2 + 1
    angle = 2 * math.pi / window * torch.outer(torch.arange(bins).double(), torch.arange(window).double())
    twice = torch.full((bins, 1), 2.0, dtype=torch.float64)
    twice[0] = twice[-1] = 1.0
    basis = torch.cat([twice * angle.cos(), -twice * angle.sin()], dim=0) / window * weights.double()
    return basis.float()


def transform(frames: Tensor, weights: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts `[…, window/2 + 1]` of the Fourier transform of frames `[…, window]`.

    An exported graph multiplies by the `basis` (`fourier_basis`); elsewhere the fast transform of the frames times
    their window `weights` is seven times faster.
    """
    if torch.onnx.is_in_onnx_export():
        real, imaginary = torch.split(frames @ basis, basis.shape[1] // 2, dim=-1)
    else:
        spectrum = torch.fft.rfft(frames * weights)
        real, imaginary = spectrum.real, spectrum.imag
    return real, imaginary


def inverse_transform(real: Tensor, imaginary: Tensor, weights: Tensor, basis: Tensor) -> Tensor:
    """Return the frames `[…, window]` of a spectrum times their window `weights`: the inverse of `transform`."""
    if torch.onnx.is_in_onnx_export():
        return torch.cat([real, imaginary], dim=-1) @ basis
    frames: Tensor = torch.fft.irfft(torch.complex(real, imaginary), n=len(weights)) * weights
    return frames


def band_edges(bands: int, sample_rate: int) -> Tensor:
    """Return `bands` frequencies in Hz from 0 to half the rate, evenly spaced on the mel scale (O'Shaughnessy)."""
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    return 700 * (10 ** (torch.linspace(0, top, bands, dtype=torch.float64) / 2595) - 1)


def mel_matrix(bands: int, window: int, sample_rate: int) -> Tensor:
    """Return `[window/2 + 1, bands]`: triangular bands, evenly spaced on the mel scale, each of unit sum."""
    edges = band_edges(bands + 2, sample_rate)
    frequency = torch.arange(window // 2 + 1).double()[:, None] * sample_rate / window
    # Low bands are narrower than a bin: every band extends at least to its neighbouring bins.
    reach = sample_rate / window
    below = torch.minimum(edges[:-2], edges[1:-1] - reach)
    above = torch.maximum(edges[2:], edges[1:-1] + reach)
    rise = (frequency - below) / (edges[1:-1] - below)
    fall = (above - frequency) / (above - edges[1:-1])
    bank = torch.minimum(rise, fall).clamp(min=0)
    return (bank / bank.sum(dim=0)).float()


def cepstrum_matrices(window: int) -> tuple[Tensor, Tensor]:
    """Return two `[window/2 + 1, window/2 + 1]`: log spectrum of a window to its real cepstrum, and back."""
    bins = window // 2 + 1
    cosine = torch.cos(2 * math.pi / window * torch.outer(torch.arange(bins).double(), torch.arange(bins).double()))
    # The spectrum and the cepstrum are even: all bins but the first and the last stand for two.
    twice = torch.full((bins, 1), 2.0, dtype=torch.float64)
    twice[0] = twice[-1] = 1.0
    return twice * cosine / window, twice * cosine


def interpolation_matrix(bands: int, window: int, sample_rate: int) -> Tensor:
    """Return `[bands, window/2 + 1]`: linear interpolation from mel-spaced points to the bins of a window."""
    edges = band_edges(bands, sample_rate)
    frequency = torch.arange(window // 2 + 1).double() * sample_rate / window
    upper = torch.searchsorted(edges, frequency, right=True).clamp(1, bands - 1)
    part = ((frequency - edges[upper - 1]) / (edges[upper] - edges[upper - 1])).clamp(0, 1)
    matrix = torch.zeros(bands, window // 2 + 1, dtype=torch.float64)
    columns = torch.arange(window // 2 + 1)
    matrix[upper - 1, columns] += 1 - part
    matrix[upper, columns] += part
    return matrix.float()


def windows(audio: Tensor, length: int, hop: int) -> Tensor:
    """Return `[batch, count, length]`: the windows of `audio` `[batch, samples]`, `hop` samples apart."""
    chunks = audio.reshape(len(audio), -1, hop)
    last = length // hop - 1
    # Counted from the end, so that an exported graph need not compute lengths at every step.
    return torch.cat([chunks[:, shift : shift - last or None] for shift in range(last + 1)], dim=-1)


def cepstral_basis(counts: tuple[int, ...], bands: int) -> Tensor:
    """Return `[len(counts)·bands, sum(counts)]`: a cosine transform over a frame's short spectra and their bands.

    The n-th order over time has `counts[n]` orders over the bands. Columns are orthonormal, so the transpose takes
    cepstra back to the smooth spectra that they stand for.
    """

    def cosines(size: int) -> Tensor:
        place = torch.arange(size, dtype=torch.float64)
        basis = torch.cos(math.pi / size * torch.outer(place + 0.5, place)) * math.sqrt(2 / size)
        basis[:, 0] /= math.sqrt(2)
        return basis

    over_time, over_bands = cosines(len(counts)), cosines(bands)
    columns = [
        torch.outer(over_time[:, order], over_bands[:, band]).flatten()
        for order, count in enumerate(counts)
        for band in range(count)
    ]
    return torch.stack(columns, dim=1).float()
