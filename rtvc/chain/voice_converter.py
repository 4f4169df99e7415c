"""The heart of every conversion, live or from a file: encoder, transport, vocoder.

A `VoiceConverter` belongs to the thread that processes blocks (the worker, or the command line).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.dsp.stage import Block, Stage
from rtvc.packs.pack import ModelPack
from rtvc.transport import Transport, TransportStage
from rtvc.voices.statistics import FeatureSet, Mask

Observer = Callable[[Block, Mask], None]
"""Called with every step's features `[n, dim]` and which of them are speech `[n]`."""

ANALYSIS_FRAMES = 50


class Analyser:
    """The encoder with the mask of speech: audio at the pack's rate to features and which of them count.

    Both come `lookahead_frames` late, so that they belong together.
    """

    def __init__(self, pack: ModelPack) -> None:
        self.encoder = pack.encoder()
        self._activity = SpeechActivity(pack.hop, pack.sample_rate)
        self._lookahead = pack.lookahead_frames
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self.encoder.reset()
        self._activity.reset()
        self._waiting = np.zeros(self._lookahead, bool)

    def process(self, audio: Block) -> tuple[Block, Mask]:
        """Return features `[n, dim]` and the mask `[n]` for audio `[n * hop]`."""
        features = self.encoder.process(audio)
        mask = np.concatenate([self._waiting, self._activity.process(audio)])
        self._waiting = mask[len(features) :]
        return features, mask[: len(features)]


class VoiceConverter(Stage):
    """Turns speech at the pack's rate into another voice at the pack's rate, whole frames at a time.

    Parameters
    ----------
    pack
        The models.
    transport
        The map, or None to resynthesise the speaker as they are.
    strength
        How far to move along the map: 0 … 1.
    observe
        Told the features of every step, as they were before the map; for statistics of the speaker.
    """

    def __init__(
        self,
        pack: ModelPack,
        transport: Transport | None = None,
        strength: float = 1.0,
        observe: Observer | None = None,
    ) -> None:
        self.pack = pack
        self.analyser = Analyser(pack)
        self.vocoder = pack.vocoder()
        self.observe = observe
        super().__init__(pack.sample_rate, granularity=pack.hop)
        self.begin(transport or unchanged, strength)

    def begin(self, transport: Transport, strength: float) -> None:
        """Begin anew with a map, without a fade.

        Its lookahead becomes part of `latency`, so that stages around this one have to be made, or reset, afterwards.
        """
        self.transport = TransportStage(transport, strength, self.pack.frame_rate)
        lookahead = self.transport.latency * self.pack.hop
        self.latency = self.analyser.encoder.latency + lookahead + self.vocoder.latency
        self.reset()

    def _process(self, block: Block) -> Block:
        features, active = self.analyser.process(block)
        moved = self.transport.process(features)
        # What is learnt from a step holds for the next one: so the size of a step changes nothing.
        if self.observe is not None:
            self.observe(features, active)
        return self.vocoder.process(moved)

    def reset(self) -> None:
        """Forget everything heard; the map stays."""
        self.analyser.reset()
        self.transport.reset()
        self.vocoder.reset()


def unchanged(features: Block) -> Block:
    """Return features as they are: the transport of a voice to itself."""
    return features


def analyse(audio: Block, pack: ModelPack) -> FeatureSet:
    """Return the features of the speech in a recording `[samples]` at the pack's rate and level."""
    analyser = Analyser(pack)
    frames = -(-len(audio) // pack.hop) + pack.lookahead_frames
    padded = np.zeros(frames * pack.hop, np.float32)
    padded[: len(audio)] = audio
    kept = []
    for start in range(0, len(padded), ANALYSIS_FRAMES * pack.hop):
        features, active = analyser.process(padded[start : start + ANALYSIS_FRAMES * pack.hop])
        kept.append(features[active])
    return FeatureSet.of(np.concatenate(kept), roles=pack.roles)
