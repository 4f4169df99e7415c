"""The heart of every conversion, live or from a file: encoder, transport, vocoder.

A `VoiceConverter` belongs to the thread that processes blocks (the worker, or the command line).
"""

from __future__ import annotations

from collections.abc import Callable

from rtvc.dsp.stage import Block, Stage
from rtvc.features import Mask
from rtvc.packs.pack import ModelPack
from rtvc.transport import Transport, TransportStage
from rtvc.transport.pitch import UNCHANGED_PITCH, PitchControl, PitchTransport
from rtvc.voices.analysis import Analyser

Observer = Callable[[Block, Mask], None]
"""Called with every step's features `[n, dim]` and which of them are speech `[n]`."""


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
    pitch
        What the user adds to the pitch.
    observe
        Told the features of every step, as they were before the map; for statistics of the speaker.
    """

    def __init__(
        self,
        pack: ModelPack,
        transport: Transport | None = None,
        strength: float = 1.0,
        pitch: PitchControl = UNCHANGED_PITCH,
        observe: Observer | None = None,
    ) -> None:
        self.pack = pack
        self.analyser = Analyser(pack)
        self.vocoder = pack.vocoder()
        self.observe = observe
        super().__init__(pack.sample_rate, granularity=pack.hop)
        self.begin(transport or unchanged(pack), strength, pitch)

    def begin(self, transport: Transport, strength: float, pitch: PitchControl = UNCHANGED_PITCH) -> None:
        """Begin anew with a map, without a fade.

        Its lookahead becomes part of `latency`, so that stages around this one have to be made, or reset, afterwards.
        """
        self.transport = TransportStage(transport, strength, self.pack.frame_rate, pitch=pitch)
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


def unchanged(pack: ModelPack) -> PitchTransport:
    """Return the transport of a voice to itself.

    Its intonation is scaled around the mean pitch of the pack's population, since it knows no speaker.
    """
    index = pack.roles.pitch
    mean = 0.0 if index is None else float(pack.population.mean[index])
    return PitchTransport(index, 1.0, mean, mean)
