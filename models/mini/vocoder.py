"""The vocoder of `mini`: features to audio."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.mini.configuration import MiniConfiguration
from models.mini.spectra import (
    CEPSTRAL_SCALE,
    band_edges,
    cepstral_basis,
    fourier_basis,
    interpolation_matrix,
    inverse_fourier_basis,
    inverse_transform,
    transform,
    windows,
)
from models.streaming import CausalBlock, StreamingState


class MiniVocoder(nn.Module):
    """Features `[batch, frames, feature_dim]` to audio `[batch, frames·hop]`, `overlap_delay` samples late.

    A band-limited pulse train at the features' pitch and a stretch of white noise are filtered in a short-time
    Fourier transform by envelopes, and overlap-added. The envelopes come from the cepstra, corrected by a causal net
    that sees all features.
    """

    noise: Tensor
    root_hann: Tensor
    analysis: Tensor
    synthesis: Tensor
    bands: Tensor
    smooth: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        self.configuration = c = configuration
        self.register_buffer("root_hann", torch.hann_window(c.window).sqrt(), persistent=False)
        self.register_buffer("analysis", fourier_basis(c.window, c.window // 2 + 1, self.root_hann))
        # Root-Hann windows, applied twice with a hop of a quarter window, sum to 2.
        self.register_buffer("synthesis", inverse_fourier_basis(c.window, self.root_hann / 2))
        self.register_buffer("bands", interpolation_matrix(c.envelope_bands, c.window, c.sample_rate))
        noise = torch.randn(c.noise_length, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", noise)
        self.in_proj = nn.Linear(c.feature_dim, c.vocoder_width)
        self.blocks = nn.ModuleList(
            CausalBlock(f"vocoder_{index}", c.vocoder_width, 5, dilation)
            for index, dilation in enumerate(c.vocoder_dilations)
        )
        self.upsample = nn.Linear(c.vocoder_width, c.subframes * c.fine_width)
        self.fine_blocks = nn.ModuleList(
            CausalBlock(f"fine_{index}", c.fine_width, 7) for index in range(c.fine_blocks)
        )
        self.norm = nn.LayerNorm(c.fine_width)
        self.envelopes = nn.Linear(c.fine_width, 3 * c.envelope_bands)
        nn.init.normal_(self.envelopes.weight, std=0.02)
        nn.init.constant_(self.envelopes.bias[: c.envelope_bands], -4.0)
        nn.init.constant_(self.envelopes.bias[c.envelope_bands : 2 * c.envelope_bands], -5.0)
        self.register_buffer("smooth", cepstral_basis(c.cepstra, c.mel_bands).T * CEPSTRAL_SCALE)
        self.from_cepstra = nn.Linear(c.mel_bands, 3 * c.envelope_bands, bias=False)
        # Initially, pulses and noise take the shape of the spectrum. Cepstra are a quarter of the logarithm of power,
        # half of that of magnitude.
        centres = band_edges(c.mel_bands + 2, c.sample_rate)[1:-1, None]
        nearest = (centres - band_edges(c.envelope_bands, c.sample_rate)).abs().argmin(dim=0)
        same = 2.0 * functional.one_hot(nearest, c.mel_bands)
        with torch.no_grad():
            self.from_cepstra.weight.copy_(torch.cat([same, same, torch.zeros_like(same)]))

    def excitation(self, pitch: Tensor, voicing: Tensor, state: StreamingState) -> Tensor:
        """Return pulses `[batch, frames·hop]` for pitch in Hz and voicing (0…1), both `[batch, frames]`.

        Pitch and voicing run linearly through each frame, but pitch only between voiced frames: where one end is
        unvoiced, the pitch of the other end holds. The phase (in double precision) is closed-form
        within a frame and carried modulo one between frames, so any partition into steps gives the same pulses.
        The train holds all harmonics below half the rate at equal amplitude (the Dirichlet kernel), scaled for a
        power that does not depend on the pitch.
        """
        c = self.configuration
        pitches = state.extend("pitch", pitch.double(), 1)
        voicings = state.extend("voicing", voicing, 1)
        meant = voicings > 0.5
        # A new state is unvoiced, so its pitch of 0 Hz is never used.
        before = torch.where(meant[:, :-1], pitches[:, :-1], pitches[:, 1:])
        after = torch.where(meant[:, 1:] | ~meant[:, :-1], pitches[:, 1:], pitches[:, :-1])
        advance = (before + after) * (c.hop / 2 / c.sample_rate)
        total = torch.cumsum(torch.cat([state.recall("phase", torch.zeros_like(advance[:, :1])), advance], 1), 1)
        state.keep("phase", total[:, -1:] - torch.floor(total[:, -1:]))
        place = torch.arange(1, c.hop + 1, device=pitch.device, dtype=torch.float64)
        slope = (after - before)[..., None] / (2 * c.hop * c.sample_rate)
        phase = total[:, :-1, None] + before[..., None] * (place / c.sample_rate) + slope * place**2
        phase = (phase - torch.round(phase)).float()
        instant = (before[..., None] + 2 * c.sample_rate * slope * place).float()
        harmonics = torch.floor(0.5 * c.sample_rate / instant)
        below = torch.sin(math.pi * phase)
        near = below.abs() < 1e-4
        kernel = torch.sin(math.pi * (2 * harmonics + 1) * phase) / torch.where(near, torch.ones_like(below), below)
        kernel = torch.where(near, 2 * harmonics + 1, kernel) - 1
        ramp = (place / c.hop).float()
        voiced = voicings[:, :-1, None] * (1 - ramp) + voicings[:, 1:, None] * ramp
        return (kernel * torch.sqrt(instant / c.sample_rate) * voiced).reshape(len(pitch), -1)

    def noise_stretch(self, frames: Tensor, state: StreamingState) -> Tensor:
        """Return white noise `[batch, frames·hop]`: fresh in training, otherwise from a table that is read in a loop.

        Only the shape of `frames` `[batch, frames]` counts.
        """
        c = self.configuration
        batch, count = frames.shape
        if self.training:
            return torch.randn(batch, count * c.hop, device=frames.device)
        start = state.recall("noise", torch.zeros(batch, 1, dtype=torch.int64, device=frames.device))
        position = (start + torch.arange(count * c.hop, device=frames.device)) % c.noise_length
        state.keep("noise", (position[:, -1:] + 1) % c.noise_length)
        return self.noise[position]

    def short_time(self, name: str, audio: Tensor, state: StreamingState) -> tuple[Tensor, Tensor]:
        """Return real and imaginary parts `[batch, frames·subframes, bins]` of the windows that end in `audio`."""
        c = self.configuration
        short = windows(state.extend(name, audio, c.overlap_delay), c.window, c.subhop)
        return transform(short, self.root_hann, self.analysis)

    def overlap_add(self, made: Tensor, state: StreamingState) -> Tensor:
        """Add up windows `[batch, frames·subframes, window]`; the last three quarters stay in the state."""
        c = self.configuration
        whole = state.extend("windows", made.transpose(1, 2), 3).transpose(1, 2)
        parts = [
            whole[:, 3 - quarter : -quarter or None, quarter * c.subhop : (quarter + 1) * c.subhop]
            for quarter in range(4)
        ]
        return (parts[0] + parts[1] + parts[2] + parts[3]).reshape(len(made), -1)

    def forward(self, features: Tensor, state: StreamingState, pitch: Tensor | None = None) -> Tensor:
        """Advance by the frames of `features`; `pitch` (Hz, `[batch, frames]`) stands in for the features' own."""
        c = self.configuration
        log_pitch, voicing = features[..., -2], features[..., -1]
        # The pitch of an unvoiced frame means nothing and must not be heard.
        x = self.in_proj(
            torch.cat([features[..., :-2], (log_pitch * voicing)[..., None], voicing[..., None]], dim=-1)
        )
        for block in self.blocks:
            x = block(x, state)
        x = self.upsample(x).reshape(len(x), -1, c.fine_width)
        for block in self.fine_blocks:
            x = block(x, state)
        if pitch is None:
            pitch = c.pitch_unit * torch.exp(log_pitch.clamp(-1.4, 2.0))
        # Half precision would be audible from here on, because envelopes are logarithms.
        with torch.autocast(x.device.type, enabled=False):
            spectra = (features[..., c.latent : c.content_dim] @ self.smooth).reshape(len(x), -1, c.mel_bands)
            bands = self.envelopes(self.norm(x.float())) + self.from_cepstra(spectra)
            return self.sound(bands.unflatten(-1, (3, c.envelope_bands)), pitch, voicing, state)

    def sound(self, bands: Tensor, pitch: Tensor, voicing: Tensor, state: StreamingState) -> Tensor:
        """Return the sound of log envelopes of pulses and noise and of half the pulses' phase.

        `bands` is `[batch, frames·subframes, 3, envelope_bands]`, pitch (Hz) and voicing `[batch, frames]`.
        """
        c = self.configuration
        # Split before interpolation: the gradient of a slice of the larger tensor would fill all of it.
        harmonic, noisy, angle = (part @ self.bands for part in bands.unbind(dim=2))
        harmonic, noisy, angle = torch.exp(harmonic.clamp(-14, 4)), torch.exp(noisy.clamp(-14, 4)), 2 * angle
        pulses = self.excitation(pitch, voicing, state)
        real, imaginary = self.short_time("pulses", pulses, state)
        noise_real, noise_imaginary = self.short_time("noise_samples", self.noise_stretch(voicing, state), state)
        cosine, sine = harmonic * torch.cos(angle), harmonic * torch.sin(angle)
        real, imaginary = (
            real * cosine - imaginary * sine + noise_real * noisy,
            real * sine + imaginary * cosine + noise_imaginary * noisy,
        )
        made = inverse_transform(real, imaginary, self.root_hann / 2, self.synthesis)
        made = made.reshape(len(bands), -1, c.subframes, c.window)
        # The first frame describes the time before the start, which was silence.
        begun = state.extend("begun", torch.ones_like(voicing), 1)[:, :-1]
        return self.overlap_add((made * begun[..., None, None]).flatten(1, 2), state)
