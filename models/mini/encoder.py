"""The encoder of `mini`: audio to z, cepstra, log pitch and voicing."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.mini.configuration import MiniConfiguration
from models.mini.pitch_tracker import PitchTracker
from models.mini.spectra import (
    CEPSTRAL_SCALE,
    cepstral_basis,
    cepstrum_matrices,
    fourier_basis,
    interpolation_matrix,
    mel_matrix,
    transform,
    windows,
)
from models.streaming import CausalBlock, StreamingState

UNVOICED_SMOOTHING_HZ = 200.0
"""Width over which spectra of unvoiced frames are smoothed."""


class MiniEncoder(nn.Module):
    """Audio `[batch, frames·hop]` to features `[batch, frames, feature_dim]`, `lookahead_frames` late.

    It sees four short windows a frame in mel bands (where the consonants are) and the low bins of one long window
    (where the pitch is). The cepstra are those of the short windows' envelopes over a floor: without the floor,
    silence lies so far from speech that the map throws it anywhere. Pitch is the logarithm of its ratio to
    `pitch_unit`, voicing a probability.
    """

    hann: Tensor
    short_basis: Tensor
    mel: Tensor
    long_basis: Tensor
    floor: Tensor
    to_cepstrum: Tensor
    to_mel: Tensor
    quefrency: Tensor
    cepstral: Tensor
    silence: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        self.configuration = c = configuration
        self.register_buffer("hann", torch.hann_window(c.window), persistent=False)
        self.register_buffer("short_basis", fourier_basis(c.window, c.window // 2 + 1, self.hann))
        self.register_buffer("mel", mel_matrix(c.mel_bands, c.window, c.sample_rate))
        self.register_buffer(
            "long_basis", fourier_basis(c.pitch_window, c.pitch_bins, torch.hann_window(c.pitch_window))
        )
        # About 40 dB below a vowel at the training level, and lower where speech is weaker.
        floor = torch.logspace(-4, -5, c.mel_bands, dtype=torch.float64)
        self.register_buffer(
            "floor", (floor @ interpolation_matrix(c.mel_bands, c.window, c.sample_rate).double()).float()
        )
        to_cepstrum, to_spectrum = cepstrum_matrices(c.window)
        self.register_buffer("to_cepstrum", to_cepstrum.float())
        self.register_buffer("to_mel", (to_spectrum @ self.mel.double()).float())
        self.register_buffer("quefrency", torch.arange(c.window // 2 + 1) / c.sample_rate)
        self.register_buffer("cepstral", cepstral_basis(c.cepstra, c.mel_bands) / CEPSTRAL_SCALE)
        nothing = torch.zeros(1, 1, c.subframes, c.window // 2 + 1)
        silence = self.envelopes(nothing, torch.full((1, 1), UNVOICED_SMOOTHING_HZ)) @ self.cepstral
        self.register_buffer("silence", silence[0, 0])
        self.in_proj = nn.Linear(c.subframes * c.mel_bands + c.pitch_bins, c.encoder_width)
        self.blocks = nn.ModuleList(
            CausalBlock(f"encoder_{index}", c.encoder_width, 5, dilation)
            for index, dilation in enumerate(c.encoder_dilations)
        )
        self.norm = nn.LayerNorm(c.encoder_width)
        self.latent = nn.Linear(c.encoder_width, c.latent)
        self.tracker = PitchTracker(c)

    def spectra(self, audio: Tensor, state: StreamingState) -> tuple[Tensor, Tensor]:
        """Return the power spectra of the short windows and of the long window's low bins.

        Shapes are `[batch, frames, subframes, window/2 + 1]` and `[batch, frames, pitch_bins]`.
        """
        c = self.configuration
        carried = c.pitch_window - c.hop
        whole = state.extend("audio", audio, carried)
        short = windows(whole[:, carried - c.window + c.subhop :], c.window, c.subhop)
        long = windows(whole, c.pitch_window, c.hop)
        # In half precision, the rounding of a loud vowel would drown the quiet bands beside it.
        with torch.autocast(audio.device.type, enabled=False):
            real, imaginary = transform(short, self.hann, self.short_basis)
            short_power = (real**2 + imaginary**2).reshape(len(audio), -1, c.subframes, c.window // 2 + 1)
            real, imaginary = torch.split(long @ self.long_basis, c.pitch_bins, dim=-1)
            long_power = real**2 + imaginary**2
        return short_power, long_power

    def envelopes(self, power: Tensor, pitch: Tensor) -> Tensor:
        """Return mel bands of the spectral envelope, on the scale of cepstra, without the harmonics.

        `power` is `[batch, frames, subframes, window/2 + 1]`, `pitch` in Hz `[batch, frames]`; the result is
        `[batch, frames, subframes·mel_bands]`. The smoothing is that of CheapTrick (Morise, 2015): in the cepstrum
        of the log power over the floor, a quefrency q is multiplied by `sinc(f₀q)·(1.3 - 0.3 cos 2πf₀q)` up to the
        pitch period, and by 0 beyond. Without it a third of the space that the map moves was the source's pitch.
        """
        with torch.autocast(power.device.type, enabled=False):
            cepstrum = (torch.log(power + self.floor) * 0.25 + 1.0) @ self.to_cepstrum
            cycles = pitch[..., None] * self.quefrency
            angle = math.pi * cycles + 1e-6
            lifter = torch.sin(angle) / angle * (1.3 - 0.3 * torch.cos(2 * angle)) * (cycles <= 1)
            return (cepstrum * lifter[:, :, None] @ self.to_mel).flatten(2)

    def cepstra(self, power: Tensor, pitch: Tensor, state: StreamingState) -> Tensor:
        """Return the cepstra `[batch, frames, …]` of the frame that z describes: `lookahead_frames` back."""
        c = self.configuration
        with torch.autocast(power.device.type, enabled=False):
            now = self.envelopes(power, pitch) @ self.cepstral
        # Kept relative to silence: streaming state starts as zeros, and before the start there was silence.
        late = state.extend("cepstra", (now - self.silence).transpose(1, 2), c.lookahead_frames)
        return late[..., : -c.lookahead_frames or None].transpose(1, 2) + self.silence

    def hidden(self, short_power: Tensor, power: Tensor, state: StreamingState) -> Tensor:
        """Return the net's view of the spectra: `[batch, frames, encoder_width]`."""
        with torch.autocast(power.device.type, enabled=False):
            mel = (short_power @ self.mel).flatten(2)
        # About -3 to 3.
        x = self.in_proj(torch.cat([torch.log(mel + 1e-6), torch.log(power + 1e-5)], dim=-1) * 0.25 + 1.0)
        for block in self.blocks:
            x = block(x, state)
        hidden: Tensor = self.norm(x)
        return hidden

    def analyse(self, audio: Tensor, state: StreamingState) -> tuple[Tensor, Tensor, Tensor]:
        """Advance by the frames in `audio`; return z and cepstra, and the logits of pitch classes and voicing."""
        short_power, long_power = self.spectra(audio, state)
        hidden = self.hidden(short_power, long_power, state)
        likelihood, voicing = self.tracker(long_power, hidden, state)
        # The lifter takes the pitch as it is: a gradient through it would teach the tracker to blur.
        pitch = self.configuration.pitch_unit * torch.exp(self.tracker.read(likelihood.detach()))
        pitch = torch.where(voicing > 0, pitch, torch.full_like(pitch, UNVOICED_SMOOTHING_HZ))
        content = torch.cat([self.latent(hidden).float(), self.cepstra(short_power, pitch, state)], dim=-1)
        return content, likelihood, voicing

    def forward(self, audio: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames in `audio`."""
        content, likelihood, voicing = self.analyse(audio, state)
        pitch = self.tracker.read(likelihood)
        return torch.cat([content, pitch[..., None], torch.sigmoid(voicing)[..., None]], dim=-1)
