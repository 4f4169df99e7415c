"""`mini`, the embedded pack: a causal encoder to a feature space made for MKL, and a source-filter vocoder.

The features `[z, cepstra, log pitch, voicing]` come once a frame of 20 ms. z is learned; the cepstra are the frame's
own short spectra, smoothed, which have a straight way to the vocoder's envelopes: detail that no net need learn to
carry. The encoder looks one frame ahead; the vocoder's overlap-add delays by three quarters of its window. Both nets
are written on `models.streaming.Memory`: training runs them over whole stretches, the exported graphs over one step,
and the results are the same.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.streaming import CausalBlock, Memory

CEPSTRAL_SCALE = 4.0
"""Brings cepstra to about the size of z."""


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
        """Dimensions that the map moves: z in blocks, the cepstra in one."""
        return self.latent + sum(self.cepstra)

    @property
    def feature_dim(self) -> int:
        """Dimensions of a feature vector: z, cepstra, log pitch, voicing."""
        return self.content_dim + 2

    @property
    def overlap_delay(self) -> int:
        """Samples by which the overlap-add delays."""
        return self.window - self.subhop

    @property
    def delay(self) -> int:
        """Samples by which the whole net delays: lookahead and overlap-add."""
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


def band_edges(bands: int, sample_rate: int) -> Tensor:
    """Return `bands` frequencies in Hz from 0 to half the rate, evenly spaced on the mel scale (O'Shaughnessy)."""
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    return 700 * (10 ** (torch.linspace(0, top, bands, dtype=torch.float64) / 2595) - 1)


def mel_matrix(bands: int, window: int, sample_rate: int) -> Tensor:
    """Return `[window/2 + 1, bands]`: triangular bands, evenly spaced on the mel scale, each of unit sum."""
    edges = band_edges(bands + 2, sample_rate)
    frequency = torch.arange(window // 2 + 1).double()[:, None] * sample_rate / window
    # Low bands are narrower than a bin: let every band reach at least its neighbouring bins.
    reach = sample_rate / window
    below = torch.minimum(edges[:-2], edges[1:-1] - reach)
    above = torch.maximum(edges[2:], edges[1:-1] + reach)
    rise = (frequency - below) / (edges[1:-1] - below)
    fall = (above - frequency) / (above - edges[1:-1])
    bank = torch.minimum(rise, fall).clamp(min=0)
    return (bank / bank.sum(dim=0)).float()


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
    # Ends are counted from the end, lest an exported graph compute lengths at every step.
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
    """Finds pitch and voicing from a short-time autocorrelation and what else the encoder knows.

    The autocorrelation is that of the long window's low bins with compressed magnitudes (Tolonen & Karjalainen,
    2000), taken at the periods of `pitch_classes` pitches evenly spaced on a logarithmic scale. A causal net turns
    it into a likelihood of each; the pitch is the mean around the likeliest.
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
        self.receive = nn.Linear(c.pitch_classes + c.pitch_bins + c.encoder_width, c.pitch_width)
        self.blocks = nn.ModuleList(CausalBlock(f"pitch_{index}", c.pitch_width, 5) for index in range(3))
        self.norm = nn.LayerNorm(c.pitch_width)
        self.likelihood = nn.Linear(c.pitch_width, c.pitch_classes)
        self.voicing = nn.Linear(c.pitch_width, 1)

    def forward(self, power: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return logits `[batch, frames, pitch_classes]` and the voicing's `[batch, frames]`."""
        magnitude = (power + 1e-6) ** 0.25
        correlation = (magnitude @ self.periods) / magnitude.sum(dim=-1, keepdim=True)
        x = self.receive(torch.cat([correlation, torch.log(power + 1e-5) * 0.25 + 1.0, hidden], dim=-1))
        for block in self.blocks:
            x = block(x, memory)
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

    Sees four short windows a frame through mel bands (where the consonants are) and one long window's low bins
    (where the pitch is). The cepstra are those of the short windows over a floor, lest silence lie so far from speech
    that a map thought for speech throws it anywhere. Pitch is the logarithm of its ratio to `pitch_unit`; voicing a
    probability.
    """

    short_basis: Tensor
    mel: Tensor
    long_basis: Tensor
    floor: Tensor
    cepstral: Tensor
    silence: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        self.configuration = c = configuration
        self.register_buffer("short_basis", fourier_basis(c.window, c.window // 2 + 1, torch.hann_window(c.window)))
        self.register_buffer("mel", mel_matrix(c.mel_bands, c.window, c.sample_rate))
        self.register_buffer(
            "long_basis", fourier_basis(c.pitch_window, c.pitch_bins, torch.hann_window(c.pitch_window))
        )
        # Some 40 dB below a vowel of the level of training, and lower where speech is weaker.
        self.register_buffer("floor", torch.logspace(-4, -5, c.mel_bands))
        self.register_buffer("cepstral", cepstral_basis(c.cepstra, c.mel_bands) / CEPSTRAL_SCALE)
        self.register_buffer("silence", self.smoothed(torch.zeros(c.subframes * c.mel_bands)), persistent=False)
        self.receive = nn.Linear(c.subframes * c.mel_bands + c.pitch_bins, c.encoder_width)
        self.blocks = nn.ModuleList(
            CausalBlock(f"encoder_{index}", c.encoder_width, 5, dilation)
            for index, dilation in enumerate(c.encoder_dilations)
        )
        self.norm = nn.LayerNorm(c.encoder_width)
        self.latent = nn.Linear(c.encoder_width, c.latent)
        self.tracker = PitchTracker(c)

    def spectra(self, audio: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return the power `[batch, frames, subframes·mel_bands]` of the short windows and that of the low bins."""
        c = self.configuration
        carried = c.pitch_window - c.hop
        whole = memory.extend("audio", audio, carried)
        short = windows(whole[:, carried - c.window + c.subhop :], c.window, c.subhop)
        long = windows(whole, c.pitch_window, c.hop)
        # In half precision a loud vowel's rounding would drown the quiet bands beside it.
        with torch.autocast(audio.device.type, enabled=False):
            real, imaginary = torch.split(short @ self.short_basis, c.window // 2 + 1, dim=-1)
            mel = (real**2 + imaginary**2) @ self.mel
            real, imaginary = torch.split(long @ self.long_basis, c.pitch_bins, dim=-1)
            power = real**2 + imaginary**2
        return mel.reshape(len(audio), -1, c.subframes * c.mel_bands), power

    def smoothed(self, mel: Tensor) -> Tensor:
        """Return the cepstra of the power `[…, subframes·mel_bands]` over the floor."""
        with torch.autocast(mel.device.type, enabled=False):
            bands = torch.log(mel + self.floor.repeat(self.configuration.subframes))
            return (bands * 0.25 + 1.0) @ self.cepstral

    def cepstra(self, mel: Tensor, memory: Memory) -> Tensor:
        """Return the cepstra `[batch, frames, …]` of the frames that z speaks of: `lookahead_frames` back."""
        c = self.configuration
        # Kept as their distance from silence: a memory begins with zeros, and before the start there was silence.
        late = memory.extend("cepstra", (self.smoothed(mel) - self.silence).transpose(1, 2), c.lookahead_frames)
        return late[..., : -c.lookahead_frames or None].transpose(1, 2) + self.silence

    def hidden(self, mel: Tensor, power: Tensor, memory: Memory) -> Tensor:
        """Return what the net makes of the spectra: `[batch, frames, encoder_width]`."""
        # About -3 to 3.
        x = self.receive(torch.cat([torch.log(mel + 1e-6), torch.log(power + 1e-5)], dim=-1) * 0.25 + 1.0)
        for block in self.blocks:
            x = block(x, memory)
        hidden: Tensor = self.norm(x)
        return hidden

    def content(self, audio: Tensor, memory: Memory) -> Tensor:
        """Advance by the frames in `audio`; return z and cepstra."""
        mel, power = self.spectra(audio, memory)
        return self._content(mel, self.hidden(mel, power, memory), memory)

    def _content(self, mel: Tensor, hidden: Tensor, memory: Memory) -> Tensor:
        return torch.cat([self.latent(hidden).float(), self.cepstra(mel, memory)], dim=-1)

    def analyse(self, audio: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """Advance by the frames in `audio`; return z and cepstra, and the logits of pitch classes and voicing."""
        mel, power = self.spectra(audio, memory)
        hidden = self.hidden(mel, power, memory)
        return self._content(mel, hidden, memory), *self.tracker(power, hidden, memory)

    def forward(self, audio: Tensor, memory: Memory) -> Tensor:
        """Advance by the frames in `audio`."""
        content, likelihood, voicing = self.analyse(audio, memory)
        pitch = self.tracker.read(likelihood)
        return torch.cat([content, pitch[..., None], torch.sigmoid(voicing)[..., None]], dim=-1)


class MiniVocoder(nn.Module):
    """Features `[batch, frames, feature_dim]` to audio `[batch, frames·hop]`, `overlap_delay` samples late.

    A band-limited pulse train at the features' pitch and a stretch of white noise are filtered in a short-time
    Fourier transform by envelopes, and overlap-added. The envelopes are those of the cepstra, corrected by a causal
    net that sees all features.
    """

    noise: Tensor
    analysis: Tensor
    synthesis: Tensor
    bands: Tensor
    smooth: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        self.configuration = c = configuration
        root_hann = torch.hann_window(c.window).sqrt()
        self.register_buffer("analysis", fourier_basis(c.window, c.window // 2 + 1, root_hann))
        # Root-Hann twice at a quarter's hop sums to 2.
        self.register_buffer("synthesis", inverse_fourier_basis(c.window, root_hann / 2))
        self.register_buffer("bands", interpolation_matrix(c.envelope_bands, c.window, c.sample_rate))
        noise = torch.randn(c.noise_length, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", noise)
        self.receive = nn.Linear(c.feature_dim, c.vocoder_width)
        self.blocks = nn.ModuleList(
            CausalBlock(f"vocoder_{index}", c.vocoder_width, 5, dilation)
            for index, dilation in enumerate(c.vocoder_dilations)
        )
        self.refine = nn.Linear(c.vocoder_width, c.subframes * c.fine_width)
        self.fine_blocks = nn.ModuleList(
            CausalBlock(f"fine_{index}", c.fine_width, 7) for index in range(c.fine_blocks)
        )
        self.norm = nn.LayerNorm(c.fine_width)
        self.envelopes = nn.Linear(c.fine_width, 3 * c.envelope_bands)
        nn.init.normal_(self.envelopes.weight, std=0.02)
        nn.init.constant_(self.envelopes.bias[: c.envelope_bands], -4.0)
        nn.init.constant_(self.envelopes.bias[c.envelope_bands : 2 * c.envelope_bands], -5.0)
        self.register_buffer("smooth", cepstral_basis(c.cepstra, c.mel_bands).T * CEPSTRAL_SCALE)
        self.straight = nn.Linear(c.mel_bands, 3 * c.envelope_bands, bias=False)
        # To begin with, pulses and noise have the shape of the spectrum. Cepstra are made of a quarter of the
        # logarithm of power: half of that of magnitude.
        centres = band_edges(c.mel_bands + 2, c.sample_rate)[1:-1, None]
        nearest = (centres - band_edges(c.envelope_bands, c.sample_rate)).abs().argmin(dim=0)
        same = 2.0 * functional.one_hot(nearest, c.mel_bands)
        with torch.no_grad():
            self.straight.weight.copy_(torch.cat([same, same, torch.zeros_like(same)]))

    def excitation(self, pitch: Tensor, voicing: Tensor, memory: Memory) -> Tensor:
        """Return pulses `[batch, frames·hop]` for pitch in Hz and voicing (0…1), both `[batch, frames]`.

        Pitch and voicing run linearly through each frame, but pitch only between voiced frames: where one end is
        unvoiced, and its pitch means nothing, the other's holds. The phase (in double precision) is closed-form
        within a frame and carried modulo one between frames, so any partition into steps gives the same pulses.
        The train holds all harmonics below half the rate at equal amplitude (the Dirichlet kernel), scaled for a
        power that does not depend on the pitch.
        """
        c = self.configuration
        pitches = memory.extend("pitch", pitch.double(), 1)
        voicings = memory.extend("voicing", voicing, 1)
        meant = voicings > 0.5
        # A fresh memory is unvoiced, so its pitch of 0 Hz is never used.
        before = torch.where(meant[:, :-1], pitches[:, :-1], pitches[:, 1:])
        after = torch.where(meant[:, 1:] | ~meant[:, :-1], pitches[:, 1:], pitches[:, :-1])
        advance = (before + after) * (c.hop / 2 / c.sample_rate)
        total = torch.cumsum(torch.cat([memory.recall("phase", torch.zeros_like(advance[:, :1])), advance], 1), 1)
        memory.keep("phase", total[:, -1:] - torch.floor(total[:, -1:]))
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

    def noise_stretch(self, frames: Tensor, memory: Memory) -> Tensor:
        """Return white noise `[batch, frames·hop]`: fresh in training, else read from the table, going round.

        Of `frames` `[batch, frames]` only the shape counts.
        """
        c = self.configuration
        batch, count = frames.shape
        if self.training:
            return torch.randn(batch, count * c.hop, device=frames.device)
        start = memory.recall("noise", torch.zeros(batch, 1, dtype=torch.int64, device=frames.device))
        position = (start + torch.arange(count * c.hop, device=frames.device)) % c.noise_length
        memory.keep("noise", (position[:, -1:] + 1) % c.noise_length)
        return self.noise[position]

    def short_time(self, name: str, audio: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return real and imaginary parts `[batch, frames·subframes, bins]` of the windows that end in `audio`."""
        c = self.configuration
        short = windows(memory.extend(name, audio, c.overlap_delay), c.window, c.subhop)
        real, imaginary = torch.split(short @ self.analysis, c.window // 2 + 1, dim=-1)
        return real, imaginary

    def overlap_add(self, made: Tensor, memory: Memory) -> Tensor:
        """Add up windows `[batch, frames·subframes, window]`; the last three quarters wait for the next step."""
        c = self.configuration
        whole = memory.extend("windows", made.transpose(1, 2), 3).transpose(1, 2)
        parts = [
            whole[:, 3 - quarter : -quarter or None, quarter * c.subhop : (quarter + 1) * c.subhop]
            for quarter in range(4)
        ]
        return (parts[0] + parts[1] + parts[2] + parts[3]).reshape(len(made), -1)

    def forward(self, features: Tensor, memory: Memory, pitch: Tensor | None = None) -> Tensor:
        """Advance by the frames of `features`; `pitch` (Hz, `[batch, frames]`) stands in for the features' own."""
        c = self.configuration
        log_pitch, voicing = features[..., -2], features[..., -1]
        # Where nothing is voiced the pitch means nothing, and must not be heard.
        x = self.receive(
            torch.cat([features[..., :-2], (log_pitch * voicing)[..., None], voicing[..., None]], dim=-1)
        )
        for block in self.blocks:
            x = block(x, memory)
        x = self.refine(x).reshape(len(x), -1, c.fine_width)
        for block in self.fine_blocks:
            x = block(x, memory)
        if pitch is None:
            pitch = c.pitch_unit * torch.exp(log_pitch.clamp(-1.4, 2.0))
        # Half precision would be heard: what follows is made of logarithms and judged by them.
        with torch.autocast(x.device.type, enabled=False):
            spectra = (features[..., c.latent : c.content_dim] @ self.smooth).reshape(len(x), -1, c.mel_bands)
            bands = self.envelopes(self.norm(x.float())) + self.straight(spectra)
            return self.sound(bands.unflatten(-1, (3, c.envelope_bands)), pitch, voicing, memory)

    def sound(self, bands: Tensor, pitch: Tensor, voicing: Tensor, memory: Memory) -> Tensor:
        """Return the sound of log envelopes of pulses and noise and of half the pulses' phase.

        `bands` is `[batch, frames·subframes, 3, envelope_bands]`, pitch (Hz) and voicing `[batch, frames]`.
        """
        c = self.configuration
        envelopes = bands @ self.bands
        harmonic = torch.exp(envelopes[..., 0, :].clamp(-14, 4))
        noisy = torch.exp(envelopes[..., 1, :].clamp(-14, 4))
        angle = 2 * envelopes[..., 2, :]
        pulses = self.excitation(pitch, voicing, memory)
        real, imaginary = self.short_time("pulses", pulses, memory)
        noise_real, noise_imaginary = self.short_time("noise_samples", self.noise_stretch(voicing, memory), memory)
        cosine, sine = harmonic * torch.cos(angle), harmonic * torch.sin(angle)
        spectrum = torch.cat(
            [
                real * cosine - imaginary * sine + noise_real * noisy,
                real * sine + imaginary * cosine + noise_imaginary * noisy,
            ],
            dim=-1,
        )
        made = (spectrum @ self.synthesis).reshape(len(bands), -1, c.subframes, c.window)
        # The first frame speaks of the time before the start, and the nets of nothing but zeros: it is silence.
        begun = memory.extend("begun", torch.ones_like(voicing), 1)[:, :-1]
        return self.overlap_add((made * begun[..., None, None]).flatten(1, 2), memory)
