"""Settings of the live engine: one frozen object, always replaced as a whole.

The front ends replace `Engine.settings`; the worker reads it before each step and fades to changed values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.effects import NO_EFFECTS, Rack
from rtvc.dsp.impulse_responses import find_impulse
from rtvc.dsp.noise_suppression import NoiseSuppression, load_rnnoise
from rtvc.dsp.plugins import find_plugin
from rtvc.transport.choice import MapChoice
from rtvc.transport.pitch import PitchControl


@dataclass(frozen=True)
class Settings:
    """Everything that can be changed while the engine runs.

    The speaker's own voice goes out only with `bypass` or with a strength of 0. If no map to the voice can be fitted,
    silence goes out.

    Attributes
    ----------
    voice
        Name of a stored voice, path of a recording, or a blend (`A:0.7,B:0.3`); empty for none.
    map
        Transport, block size and strength of the map towards the voice.
    pitch_semitones
        Offset of the converted pitch, -24 … 24; ignored, with a message, where the pack has no pitch dimension.
    intonation
        Factor on the distance of log pitch from its mean: 0 (monotone) … 3; ignored as the offset is.
    formants
        Factor on the frequencies of the formants, 0.85 … 1.15; ignored, with a message, where the pack has none.
    effects
        Effects on the converted voice.
    bypass
        Send the microphone's unconverted audio without effects, with the delay of the converted audio.
    mute
        Send silence.
    push_to_talk, talking
        With push-to-talk, audio is sent only while `talking`.
    input_gain_db, output_gain_db, monitor_gain_db
        Gains in dB before the encoder, on the output, and on the monitor.
    noise_suppression
        How much noise to remove before the conversion; other than off needs RNNoise and adds 20 ms of delay.
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
    map: MapChoice = field(default_factory=MapChoice)
    pitch_semitones: float = 0.0
    intonation: float = 1.0
    formants: float = 1.0
    effects: Rack = NO_EFFECTS
    bypass: bool = False
    mute: bool = False
    push_to_talk: bool = False
    talking: bool = False
    input_gain_db: float = 0.0
    output_gain_db: float = 0.0
    ducking_db: float = 12.0
    monitor: bool = False
    monitor_gain_db: float = -6.0
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF
    gate_threshold_dbfs: float | None = -55.0
    speech_gate: bool = False

    def check_libraries(self) -> None:
        """Raise `RtvcError` if a library, a plug-in or an impulse response that these settings need is missing."""
        if self.effects.effects:
            load_pedalboard()
        for effect in self.effects.plugins:
            find_plugin(effect.plugin)
        for name in self.effects.impulses:
            find_impulse(name)
        if self.speech_gate or self.noise_suppression is not NoiseSuppression.OFF:
            load_rnnoise()

    @property
    def pitch(self) -> PitchControl:
        """Offset, intonation and formants as one value."""
        return PitchControl(self.pitch_semitones, self.intonation, self.formants)
