"""Sizes and rates of `mini`."""

from __future__ import annotations

from dataclasses import asdict, dataclass


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
