"""Settings of a voice, and of the live engine: frozen objects, always replaced as a whole.

The front ends replace `Engine.settings`; the worker reads it before each step and fades to changed values.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any

from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.effects import NO_EFFECTS, Rack
from rtvc.dsp.impulse_responses import find_impulse
from rtvc.dsp.noise_suppression import NoiseSuppression, load_rnnoise
from rtvc.dsp.plugins import find_plugin
from rtvc.names import member_of
from rtvc.transport.choice import MapChoice
from rtvc.transport.pitch import PitchControl


@dataclass(frozen=True)
class VoiceSettings:
    """How a voice is converted, live and from files.

    Attributes
    ----------
    map
        Transport, block size and strength of the map towards the voice.
    pitch_semitones
        Offset of the converted pitch, -24 … 24; other than 0 only with packs that have a pitch dimension.
    intonation
        Factor on the distance of log pitch from its mean: 0 (monotone) … 3; other than 1 only with such packs, too.
    formants
        Factor on the frequencies of the formants, 0.85 … 1.15; other than 1 only with packs that have an envelope.
    effects
        Effects on the converted voice.
    noise_suppression
        How much noise to remove before the conversion; other than off needs RNNoise and adds 20 ms of delay.
    """

    map: MapChoice = field(default_factory=MapChoice)
    _: KW_ONLY
    pitch_semitones: float = 0.0
    intonation: float = 1.0
    formants: float = 1.0
    effects: Rack = NO_EFFECTS
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF

    def __post_init__(self) -> None:
        """Take the level of noise suppression by its value, too; raise `RtvcError` if there is none of this value."""
        level = member_of(NoiseSuppression, self.noise_suppression, "level of noise suppression")
        object.__setattr__(self, "noise_suppression", level)

    @property
    def pitch(self) -> PitchControl:
        """Offset, intonation and formants as one value."""
        return PitchControl(self.pitch_semitones, self.intonation, self.formants)

    def voice_settings(self) -> dict[str, Any]:
        """Return these settings by name, without those that a subclass adds."""
        return {entry.name: getattr(self, entry.name) for entry in fields(VoiceSettings)}

    def check_libraries(self) -> None:
        """Raise `RtvcError` if a library, a plug-in or an impulse response that these settings need is missing."""
        if self.effects.effects:
            load_pedalboard()
        for effect in self.effects.plugins:
            find_plugin(effect.plugin)
        for name in self.effects.impulses:
            find_impulse(name)
        self.noise_suppression.check()


@dataclass(frozen=True, kw_only=True)
class Settings(VoiceSettings):
    """Everything that can be changed while the engine runs.

    The speaker's own voice goes out only with `bypass` or with a strength of 0. If no map to the voice can be fitted,
    silence goes out. What the pack cannot do is ignored, with a message.

    Attributes
    ----------
    voice
        Name of a stored voice, path of a recording, or a blend (`A:0.7,B:0.3`); empty for none.
    bypass
        Send the microphone's unconverted audio without effects, with the delay of the converted audio.
    mute
        Send silence.
    push_to_talk, talking
        With push-to-talk, audio is sent only while `talking`.
    input_gain_db, output_gain_db, monitor_gain_db
        Gains in dB before the encoder, on the output, and on the monitor.
    gate_threshold_dbfs
        Input below this level counts as silence; None for no gate.
    speech_gate
        Let what RNNoise hears as speech open the gate, in place of the threshold.
    ducking_db
        By how much clips of the soundboard are quieter while the voice speaks, in dB.
    monitor
        Whether the monitor device plays the output.
    """

    voice: str = ""
    bypass: bool = False
    mute: bool = False
    push_to_talk: bool = False
    talking: bool = False
    input_gain_db: float = 0.0
    output_gain_db: float = 0.0
    ducking_db: float = 12.0
    monitor: bool = False
    monitor_gain_db: float = -6.0
    gate_threshold_dbfs: float | None = -55.0
    speech_gate: bool = False

    def check_libraries(self) -> None:
        """Raise `RtvcError` if a library, a plug-in or an impulse response that these settings need is missing."""
        super().check_libraries()
        if self.speech_gate:
            load_rnnoise()
