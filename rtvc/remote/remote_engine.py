"""A live engine whose models run on a server: microphone and virtual microphone are here.

Threads: the worker, which alone opens and closes the port and moves sound; the network's (`rtvc.remote.connection`);
and those of the port. Any other thread may call the methods, which return at once, except `stop`, `stop_recording`
and `wait`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtvc.devices.port import AudioPort
from rtvc.devices.ring import Ring
from rtvc.dsp.soundboard import Soundboard
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.pipeline import History, Meter
from rtvc.live.priority import Urgency
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.live.worker_engine import WorkerEngine
from rtvc.remote.connection import Connection
from rtvc.remote.link import Address
from rtvc.remote.mixer import Mixer
from rtvc.remote.peer import BLOCK, CODEC_SECONDS, RATE
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.library import VoiceLibrary

POLL_SECONDS = 0.001
HISTORY_SECONDS = 4.0


@dataclass(frozen=True)
class RemoteLatency(Latency):
    """The delay over a server: the server's parts and this computer's, and what lies between.

    Attributes
    ----------
    codec_seconds
        Lookahead of Opus, there and back.
    network_seconds
        The round trip.
    """

    codec_seconds: float = 0.0
    network_seconds: float = 0.0


class RemoteEngine(WorkerEngine):
    """Sends a microphone to a server and plays what comes back, until it is stopped.

    The speaker's own voice goes out with `bypass`, which is local, and while the server is lost if `bypass_when_lost`
    says so; otherwise silence does. While muted, or between presses of push-to-talk, the server gets silence.

    Parameters
    ----------
    address
        The server.
    port
        The audio input and output, opened and closed by the engine.
    settings
        Initial settings.
    bypass_when_lost
        Send the speaker's own voice, not silence, while the server is lost; silence goes out until it is first there.
    library
        As for `Connection`.
    local_bypass
        Whether `bypass` acts here. A benchmark lets the server do it, to measure the way there and back.

    Attributes
    ----------
    settings
        The current settings. Any thread may replace the object.
    connection
        The way to the server.
    """

    enrolment: Enrolment | None = None

    def __init__(
        self,
        address: Address,
        port: AudioPort,
        settings: Settings,
        *,
        bypass_when_lost: bool = False,
        library: VoiceLibrary | None = None,
        local_bypass: bool = True,
    ) -> None:
        super().__init__(port)
        self.settings = settings
        self._address, self._bypass_when_lost = address.check(), bypass_when_lost
        self._library = library or VoiceLibrary()
        self._local_bypass = local_bypass
        self._received = Ring(2 * RATE)
        self.connection = self._new_connection()
        self._mixer: Mixer | None = None
        self._input_meter, self._output_meter = Meter(RATE // BLOCK), Meter(RATE // BLOCK)
        self._histories = History(round(HISTORY_SECONDS * RATE)), History(round(HISTORY_SECONDS * RATE))

    def read_voices_again(self) -> None:
        """Send a voice of one's own along again, because recordings of voices were changed; returns at once."""
        self.connection.send_voice_again()

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds of the microphone and of the output at 48 kHz, for displays."""
        microphone, output = (history.latest(round(seconds * RATE)) for history in self._histories)
        return microphone, output

    def snapshot(self) -> Snapshot:
        """Return the current state, meters and counters. Those of the engine come from the server."""
        link, mixer = self.connection.link, self._mixer
        state, message = self._condition()
        message = message or self._recording_failure
        if link is None or mixer is None:
            return Snapshot(state, message)
        output, told = mixer.output, link.status
        capture, playback = self.port.capture, self.port.playback
        return Snapshot(
            state=state,
            message=message,
            input_level_dbfs=self._input_meter.level,
            output_level_dbfs=self._output_meter.level,
            input_peak_dbfs=self._input_meter.peak,
            output_peak_dbfs=self._output_meter.peak,
            latency=RemoteLatency(
                step_seconds=max(told.step_seconds, BLOCK / RATE),
                algorithmic_seconds=told.algorithmic_seconds + float(output.latency),
                compute_seconds=told.compute_seconds,
                queue_seconds=told.queue_seconds + output.delay,
                device_seconds=max(0.0, capture.delay - capture.block / capture.rate + playback.delay),
                codec_seconds=2 * CODEC_SECONDS,
                network_seconds=link.round_trip_seconds,
            ),
            compute_p50_seconds=told.compute_seconds,
            compute_p99_seconds=told.compute_p99_seconds,
            deadline_seconds=told.deadline_seconds or 0.02,
            underruns=told.underruns + playback.underruns,
            dropped_frames=told.dropped_frames + told.lost + link.reception.order.lost,
            drift_ppm=output.drift_ppm,
            speech_seconds=told.speech_seconds,
            recording=self._recorder is not None,
        )

    def _new_connection(self) -> Connection:
        return Connection(self._address, self._for_server, self._received.write, self._library)

    def _for_server(self) -> Settings:
        """Return the settings for the server: what acts here is left out."""
        settings = replace(self.settings, mute=False, push_to_talk=False, talking=False, monitor=False)
        return replace(settings, bypass=False) if self._local_bypass else settings

    def _condition(self) -> tuple[State, str]:
        """Return the state and what to tell the user."""
        connection = self.connection
        if self._state is not State.RUNNING:
            return self._state, self._message
        if connection.link is None:
            return State.STARTING, ""
        if trouble := connection.trouble:
            silent = f"{trouble} Until then, silence is sent, not your own voice."
            own = f"{trouble} Until then, your own voice is sent."
            return State.RECOVERING, own if self._own_voice() else silent
        if self._bypassed():
            return State.RUNNING, self.port.warning
        told = connection.link.status
        state = State.RECOVERING if told.state is State.STOPPED else told.state
        return state, told.message or connection.link.refused or self.port.warning

    def _bypassed(self) -> bool:
        return self.settings.bypass and self._local_bypass

    @property
    def _soundboards(self) -> Sequence[Soundboard]:
        return [] if self._mixer is None else self._mixer.soundboards

    def _prepare(self) -> None:
        self.connection = self._new_connection()

    def _convert(self) -> None:
        self.port.open()
        self.connection.start()
        self.port.start()
        self._state = State.RUNNING
        self._work()

    def _release(self) -> None:
        self.connection.stop()

    def _work(self) -> None:
        """Move sound between the devices and the network until stopped; raise `RtvcError` if the server refuses."""
        while not self._stopping.is_set():
            failure = self._work_until_failure()
            if self.port.ended:
                if failure is not None:
                    raise RtvcError(failure)
                return
            if failure is not None and self._reopened(failure, self.port.open):
                self.port.playback.muted = False
                self.port.start()
                self._state, self._message = State.RUNNING, ""

    def _work_until_failure(self) -> str | None:
        """Move sound until stopped, or until the devices fail; return why."""
        mixer, urgency = Mixer(self.port), Urgency(0.0)
        self._mixer = mixer
        try:
            while not self._stopping.is_set():
                if self.connection.failure:
                    raise RtvcError(self.connection.failure)
                if (failure := self.port.failure()) is not None or self.port.ended:
                    return failure
                if not self._move(mixer):
                    time.sleep(POLL_SECONDS)
                urgency.stepped()
        finally:
            urgency.give_up()
        return None

    def _move(self, mixer: Mixer) -> bool:
        """Move one block in either direction; return whether there was any."""
        settings, own = self.settings, self._own_voice()
        moved = False
        if (microphone := mixer.microphone(settings)) is not None:
            moved = True
            heard, sent = microphone
            self._input_meter.add(heard)
            self._histories[0].add(heard)
            self.connection.send(sent)
            if self._recorder is not None:
                self._recorder.write(heard, mixer.played(), (RATE, RATE))
            if own:
                self._play(mixer, sent, settings, own)
        block = np.zeros(BLOCK, np.float32)
        if self._received.fill >= BLOCK:
            moved = True
            self._received.read_into(block)
            if not own:
                self._play(mixer, block, settings, own)
        return moved

    def _play(self, mixer: Mixer, block: Block, settings: Settings, own: bool) -> None:
        block = mixer.play(block, settings, own, more=not own and self._received.fill >= BLOCK)
        self._output_meter.add(block)
        self._histories[1].add(block)

    def _own_voice(self) -> bool:
        return self._bypassed() or (self._bypass_when_lost and self.connection.lost)
