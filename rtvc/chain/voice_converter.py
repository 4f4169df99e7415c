"""The conversion itself, live or from a file: encoder, transport, vocoder.

A `VoiceConverter` belongs to the thread that processes blocks: the worker when live, the calling thread for files.
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
"""Called with the features `[n, dim]` of every step and their speech mask `[n]`."""


class VoiceConverter(Stage):
    """Converts speech at the pack's rate into another voice, in whole feature frames.

    Parameters
    ----------
    pack
        The models.
    transport
        The map, or None to resynthesise the speaker's own voice.
    strength
        Displacement along the map, 0 … 1.
    pitch
        The user's change of pitch.
    observe
        Called with the features of every step before the map, for the speaker's statistics.
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
        """Reset with this map, without a fade.

        Its lookahead becomes part of `latency`, so stages that wrap this one must be made or reset afterwards.
        """
        self.transport = TransportStage(transport, strength, self.pack.frame_rate, pitch=pitch, roles=self.pack.roles)
        lookahead = self.transport.latency * self.pack.hop
        self.latency = self.analyser.encoder.latency + lookahead + self.vocoder.latency
        self.reset()

    def _process(self, block: Block) -> Block:
        features, active = self.analyser.process(block)
        moved = self.transport.process(features)
        # Statistics learnt from a step apply from the next one on.
        if self.observe is not None:
            self.observe(features, active)
        return self.vocoder.process(moved)

    def reset(self) -> None:
        """Return to the initial state; the map stays."""
        self.analyser.reset()
        self.transport.reset()
        self.vocoder.reset()


def unchanged(pack: ModelPack) -> PitchTransport:
    """Return the transport of a voice to itself.

    Intonation is scaled around the mean pitch of the pack's population, as there is no speaker to take it from.
    """
    index = pack.roles.pitch
    mean = 0.0 if index is None else float(pack.population.mean[index])
    return PitchTransport(index, 1.0, mean, mean)
