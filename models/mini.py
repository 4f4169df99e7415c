"""`mini`, the embedded pack: a causal encoder to a feature space made for MKL, and a source-filter vocoder.

The features `[z, cepstra, log pitch, voicing]` come once a frame of 20 ms. z is learned. The cepstra are the spectral
envelopes of the frame without its harmonics; they have a direct path to the vocoder's envelopes, so no net has to
learn to carry that detail. The encoder looks one frame ahead; the vocoder's overlap-add delays by three quarters of
its window. Training runs both nets over whole stretches, the exported graphs run them step by step on a
`StreamingState`, and the results are the same.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.streaming import CausalBlock, StreamingState

CEPSTRAL_SCALE = 4.0
"""Brings cepstra to about the size of z."""

UNVOICED_SMOOTHING_HZ = 200.0
"""Width over which spectra of unvoiced frames are smoothed."""


@dataclass(frozen=True)
class MiniConfiguration:
    """Sizes and rates of `mini`; saved with every checkpoint."""

    sample_rate: int = 16000
    hop: int = 320
    subframes: int = 4
    latent: int = 64
    cepstra: tuple[int, ...] = (40, 24, 16, 16)
    lookahead_frames: int = 1
    mel_bands: int = 64
    pitch_unit: float = 150.0
    pitch_window: int = 960
    pitch_bins: int = 72
    pitch_range: tuple[float, float] = (55.0, 550.0)
    pitch_classes: int = 160
    pitch_width: int = 128
    encoder_width: int = 256
    encoder_dilations: tuple[int, ...] = (1, 1, 2, 4, 1, 2, 4, 8)
    vocoder_width: int = 256
    vocoder_dilations: tuple[int, ...] = (1, 1, 2, 1, 2, 4)
    fine_width: int = 128
    fine_blocks: int = 3
    envelope_bands: int = 56
    noise_length: int = 65536

    @property
    def subhop(self) -> int:
        """Samples between two windows of the synthesis."""
        return self.hop // self.subframes

    @property
    def window(self) -> int:
        """Samples of a synthesis window (and of the encoder's short windows)."""
        return 4 * self.subhop

    @property
    def content_dim(self) -> int:
        """Dimensions that the map moves: z in blocks of K, all cepstra in one block."""
        return self.latent + sum(self.cepstra)

    @property
    def feature_dim(self) -> int:
        """Dimensions of a feature vector: z, cepstra, log pitch, voicing."""
        return self.content_dim + 2

    @property
    def overlap_delay(self) -> int:
        """Delay of the overlap-add in samples."""
        return self.window - self.subhop

    @property
    def delay(self) -> int:
        """Delay of the whole net in samples: lookahead and overlap-add."""
        return self.lookahead_frames * self.hop + self.overlap_delay

    def to_dict(self) -> dict[str, object]:
        """Return the sizes as plain values."""
        return asdict(self)


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


class PitchTracker(nn.Module):
    """Finds pitch and voicing from a short-time autocorrelation and the encoder's hidden features.

    The autocorrelation is that of the long window's low bins with compressed magnitudes (Tolonen & Karjalainen,
    2000), taken at the periods of `pitch_classes` pitches evenly spaced on a logarithmic scale. A causal net turns
    it into a likelihood of each; the pitch is the mean around the most likely one.
    """

    periods: Tensor
    classes: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        c = configuration
        low, high = (math.log(hertz / c.pitch_unit) for hertz in c.pitch_range)
        classes = torch.linspace(low, high, c.pitch_classes, dtype=torch.float64)
        cycles = c.sample_rate / (c.pitch_unit * torch.exp(classes)) / c.pitch_window
        angle = 2 * math.pi * torch.outer(torch.arange(c.pitch_bins, dtype=torch.float64), cycles)
        self.register_buffer("periods", angle.cos().float())
        self.register_buffer("classes", classes.float())
        self.in_proj = nn.Linear(c.pitch_classes + c.pitch_bins + c.encoder_width, c.pitch_width)
        self.blocks = nn.ModuleList(CausalBlock(f"pitch_{index}", c.pitch_width, 5) for index in range(3))
        self.norm = nn.LayerNorm(c.pitch_width)
        self.likelihood = nn.Linear(c.pitch_width, c.pitch_classes)
        self.voicing = nn.Linear(c.pitch_width, 1)

    def forward(self, power: Tensor, hidden: Tensor, state: StreamingState) -> tuple[Tensor, Tensor]:
        """Return logits `[batch, frames, pitch_classes]` and the voicing's `[batch, frames]`."""
        magnitude = (power + 1e-6) ** 0.25
        correlation = (magnitude @ self.periods) / magnitude.sum(dim=-1, keepdim=True)
        x = self.in_proj(torch.cat([correlation, torch.log(power + 1e-5) * 0.25 + 1.0, hidden], dim=-1))
        for block in self.blocks:
            x = block(x, state)
        x = self.norm(x)
        return self.likelihood(x).float(), self.voicing(x).float()[..., 0]

    def read(self, logits: Tensor) -> Tensor:
        """Return the pitch `[batch, frames]`, as the logarithm of its ratio to `pitch_unit`."""
        place = torch.arange(len(self.classes), device=logits.device)
        near = (place - logits.argmax(dim=-1, keepdim=True)).abs() <= 3
        weight = torch.exp(logits - logits.amax(dim=-1, keepdim=True)) * near
        return (weight * self.classes).sum(dim=-1) / weight.sum(dim=-1)


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
