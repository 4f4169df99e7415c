"""What the user wants of the live engine: one frozen object, replaced whole and handed over by reference.

The panel and the command line make new `Settings`; the worker reads the latest at each block and glides to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtvc.transport.choice import MapChoice


@dataclass(frozen=True)
class Settings:
    """Everything that can be changed while the engine runs. Gains and levels in dB, times in seconds.

    Attributes
    ----------
    voice
        Name of a stored voice, or path of a recording; empty for none, which resynthesises the speaker.
    map
        Transport, block size and strength of the map towards the voice.
    bypass
        Send the microphone's own sound, as late as the converted one would be.
    mute
        Send silence.
    push_to_talk, talking
        With push-to-talk, only while `talking` is sound sent.
    input_gain_db, output_gain_db, monitor_gain_db
        Gains before the encoder, on the output, and on the monitor.
    gate_threshold_dbfs, gate_release
        Below this level, for longer than the release, the input counts as silence; None for no gate.
    monitor
        Whether the monitor device is heard.
    """

    voice: str = ""
    map: MapChoice = field(default_factory=MapChoice)
    bypass: bool = False
    mute: bool = False
    push_to_talk: bool = False
    talking: bool = False
    input_gain_db: float = 0.0
    output_gain_db: float = 0.0
    monitor: bool = False
    monitor_gain_db: float = -6.0
    gate_threshold_dbfs: float | None = -55.0
    gate_release: float = 0.2
