"""The published networks that a pack is built from, in torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from models.checkpoints import load_hifigan, load_wavlm
from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.wavlm import LARGE, WavLM, WavLMConfiguration
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.packs.download import digest


@dataclass(frozen=True)
class Models:
    """Both networks, and the SHA-256 of the files that their weights came from."""

    encoder: WavLM
    vocoder: HiFiGAN
    checkpoints: dict[str, str]

    @classmethod
    def load(
        cls,
        encoder: Path,
        vocoder: Path,
        wavlm: WavLMConfiguration = LARGE,
        hifigan: HiFiGANConfiguration | None = None,
    ) -> Models:
        """Load both checkpoints; raise `RtvcError` if one has another structure, or they do not fit each other."""
        models = cls(
            load_wavlm(encoder, wavlm),
            load_hifigan(vocoder, hifigan),
            {p.name: digest(p) for p in (encoder, vocoder)},
        )
        if models.vocoder.configuration.feature_dim != wavlm.width:
            raise RtvcError(f"{vocoder} does not take the features that {encoder} gives.")
        return models

    @torch.no_grad()
    def encode(self, audio: Block) -> Block:
        """Return features `[frames, dim]` of a whole utterance `[samples]`."""
        features: Block = self.encoder(torch.from_numpy(audio)[None])[0].numpy()
        return features

    @torch.no_grad()
    def vocode(self, features: Block) -> Block:
        """Return the audio `[frames · hop]` of features `[frames, dim]`."""
        audio: Block = self.vocoder(torch.from_numpy(features)[None])[0].numpy()
        return audio
