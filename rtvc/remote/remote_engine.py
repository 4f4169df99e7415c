"""A live engine whose models run on a server: microphone and virtual microphone are here.

Threads: the worker, which alone opens and closes the port and reads the microphone; the network thread, with the
asyncio loop of the connection; and those of the port. Any other thread may call the methods, which return at once,
except `stop`, `stop_recording` and `wait`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.devices.port import AudioPort
from rtvc.devices.ring import Ring
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.clips import play_clip
from rtvc.live.pipeline import History, Meter
from rtvc.live.priority import Urgency
from rtvc.live.recorder import Recorder
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.remote import protocol
from rtvc.remote.link import Address, Link, Unreachable
from rtvc.remote.mixer import Mixer
from rtvc.remote.peer import BLOCK, CODEC_SECONDS, RATE, SentTrack
from rtvc.settings import Settings
from rtvc.voices.analysis import read_recordings
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice

POLL_SECONDS = 0.001
LOST_SECONDS = 1.0
"""Without a packet for so long, the server counts as lost."""

START_SECONDS = 10.0
"""How long the server may take to start the engine."""

PING_SECONDS = 0.5
WATCH_SECONDS = 0.02
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
WAITING_BLOCKS = 10
"""Blocks that may wait to be sent; older ones are dropped, so that a stalled network costs no lasting delay."""

HISTORY_SECONDS = 4.0
JOIN_SECONDS = 5.0


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


class RemoteEngine:
    """Sends a microphone to a server and plays what comes back, until it is stopped.

    The speaker's own voice goes out with `bypass`, which is local, and while the server is lost if `bypass_when_lost`
    says so; otherwise silence does. While muted, or between presses of push-to-talk, the server gets
    silence.

    Parameters
    ----------
    address
        The server.
    port
        The audio input and output, opened and closed by the engine.
    settings
        Initial settings.
    bypass_when_lost
        Send the speaker's own voice, not silence, while the server is lost.
    library
        Voices of this computer: one that the server lacks is sent along with the session.
    local_bypass
        Whether `bypass` acts here. A benchmark lets the server do it, to measure the way there and back.

    Attributes
    ----------
    settings
        The current settings. Any thread may replace the object.
    link
        The current connection; None while there is none.
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
        self.port, self.settings = port, settings
        self.link: Link | None = None
        self._address, self._bypass_when_lost = address.check(), bypass_when_lost
        self._library = library or VoiceLibrary()
        self._local_bypass = local_bypass
        self._state, self._message = State.STOPPED, ""
        self._mixer: Mixer | None = None
        self._received = Ring(2 * RATE)
        self._input_meter, self._output_meter = Meter(RATE // BLOCK), Meter(RATE // BLOCK)
        self._histories = History(round(HISTORY_SECONDS * RATE)), History(round(HISTORY_SECONDS * RATE))
        self._recorder: Recorder | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[Block] | None = None
        self._connected = self._failed = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start, and return at once; `snapshot` tells when it runs or has failed."""
        self._stopping.clear()
        self._failed = False
        self._state, self._message = State.STARTING, ""
        self._thread = threading.Thread(target=self._run, name="rtvc remote worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the session, close the devices and finish any recording."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
        self.stop_recording()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has stopped; return whether it has."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def start_recording(self, microphone: Path, output: Path, *, overwrite: bool = False) -> None:
        """Record the microphone and the output at 48 kHz. Raises as `Recorder`."""
        if self._recorder is not None:
            raise RtvcError("A recording is being made already: stop it first.")
        self._recorder = Recorder(microphone, output, RATE, overwrite=overwrite)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one; raise `RtvcError` if it could not be written."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()

    def play_clip(self, path: Path, gain_db: float = 0.0) -> None:
        """Mix a recording into the output and the monitor, here. Raises as `Engine.play_clip`."""
        play_clip(path, [] if self._mixer is None else self._mixer.soundboards, gain_db)

    def stop_clips(self) -> None:
        """Fade all clips out."""
        if (mixer := self._mixer) is not None:
            for board in mixer.soundboards:
                board.stop()

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds of the microphone and of the output at 48 kHz, for displays."""
        microphone, output = (history.latest(round(seconds * RATE)) for history in self._histories)
        return microphone, output

    def snapshot(self) -> Snapshot:
        """Return the current state, meters and counters. Those of the engine come from the server."""
        link, mixer = self.link, self._mixer
        if link is None or mixer is None:
            return Snapshot(self._state, self._message)
        output = mixer.output
        told, state, message = link.status, self._state, self._message
        if state == State.RUNNING and not self._bypassed():
            state = told.state if told.state != State.STOPPED else State.RECOVERING
            message = told.message or link.refused or self.port.warning
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

    def call(self, work: Callable[[], object]) -> None:
        """Let the network thread call `work`; does nothing while there is none."""
        if self._loop is not None:
            with suppress(RuntimeError):  # The loop has closed.
                self._loop.call_soon_threadsafe(work)

    def _bypassed(self) -> bool:
        return self.settings.bypass and self._local_bypass

    def _run(self) -> None:
        """Run the worker."""
        network = threading.Thread(target=self._run_network, name="rtvc remote network", daemon=True)
        try:
            self.port.open()
            network.start()
            self.port.start()
            self._work()
            if not self._failed:
                self._state = State.STOPPED
        except RtvcError as error:
            self._state, self._message = State.FAILED, str(error)
        except BaseException as error:
            self._state, self._message = (
                State.FAILED,
                f"The engine has stopped because of an internal error ({error!r}).",
            )
            raise
        finally:
            self._stopping.set()
            self.port.close()
            if network.is_alive():
                network.join(JOIN_SECONDS)

    def _work(self) -> None:
        """Move sound between the devices and the network until stopped or failed."""
        while not self._stopping.is_set() and not self._failed:
            mixer, urgency = Mixer(self.port), Urgency(0.0)
            self._mixer = mixer
            while not self._stopping.is_set() and not self._failed:
                if (failure := self.port.failure()) is not None or self.port.ended:
                    break
                if not self._move(mixer):
                    time.sleep(POLL_SECONDS)
                urgency.stepped()
            urgency.give_up()
            if self.port.ended:
                if failure is not None:
                    raise RtvcError(failure)
                return
            if failure is not None:
                self._reopen(failure)

    def _move(self, mixer: Mixer) -> bool:
        """Move one block in either direction; return whether there was any."""
        settings, own = self.settings, self._own_voice()
        moved = False
        if (microphone := mixer.microphone(settings)) is not None:
            moved = True
            self._input_meter.add(microphone)
            self._histories[0].add(microphone)
            self._send(microphone)
            if self._recorder is not None:
                self._recorder.write(microphone, mixer.played())
            if own:
                self._play(mixer, microphone, settings, own)
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
        return self._bypassed() or (self._bypass_when_lost and not self._connected)

    def _reopen(self, failure: str) -> None:
        """Open the port again until that succeeds."""
        self._state, self._message = State.RECOVERING, f"{failure.rstrip('.')}: trying again."
        self.port.playback.muted = True
        self.port.close()
        while not self._stopping.wait(RETRY_SECONDS[0]):
            try:
                self.port.open()
            except RtvcError as error:
                self._message = f"{str(error).rstrip('.')}: trying again."
                continue
            self.port.playback.muted = False
            self.port.start()
            self._state, self._message = (State.RUNNING if self._connected else State.RECOVERING), ""
            return

    def _send(self, block: Block) -> None:
        self.call(lambda: self._enqueue(block))

    def _enqueue(self, block: Block) -> None:
        assert self._queue is not None
        if self._queue.qsize() >= WAITING_BLOCKS:
            self._queue.get_nowait()
        self._queue.put_nowait(block)

    def _run_network(self) -> None:
        asyncio.run(self._stay_connected())

    async def _stay_connected(self) -> None:
        """Connect, and again after a loss, until the engine is stopped or the server refuses."""
        self._loop, self._queue = asyncio.get_running_loop(), asyncio.Queue()
        attempt, ever = 0, False
        while not self._stopping.is_set():
            link = Link(self._address, SentTrack(self._queue.get), self._received.write)
            try:
                settings = self._for_server()
                await link.open(self._named(settings), await asyncio.to_thread(self._sent_voice, settings))
                ever, attempt = True, 0
                await self._follow(link, settings)
                self._lose("The server is lost: trying again.")
            except Unreachable as error:
                if not ever:
                    self._fail(str(error))
                    return
                self._lose(f"{str(error).rstrip('.')}: trying again.")
            except RtvcError as error:
                self._fail(str(error))
                return
            finally:
                self._connected = False
                await link.close()
            pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            attempt += 1
            await asyncio.to_thread(self._stopping.wait, pause)

    async def _follow(self, link: Link, told: Settings) -> None:
        """Pass on settings and watch the connection, until it is lost or a voice has to be sent along."""
        self.link, self._connected = link, True
        self._state, self._message = State.RUNNING, ""
        urgency = Urgency(0.0)  # At ordinary priority, packets waited 60 ms beside a load of 8 on two cores.
        try:
            await self._watch(link, told, urgency)
        finally:
            urgency.give_up()

    async def _watch(self, link: Link, told: Settings, urgency: Urgency) -> None:
        pinged = 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            silent = now - link.reception.heard
            if not link.alive or silent > (LOST_SECONDS if link.reception.order.received else START_SECONDS):
                return
            if now - pinged >= PING_SECONDS:
                link.ping()
                pinged = now
            if (settings := self._for_server()) != told:
                if settings.voice != told.voice and self._own_recording(settings) is not None:
                    return
                link.send(self._named(settings))
                told = settings
            urgency.stepped()
            await asyncio.sleep(WATCH_SECONDS)

    def _for_server(self) -> Settings:
        """Return the settings for the server: what acts here is left out."""
        settings = replace(self.settings, mute=False, push_to_talk=False, talking=False, monitor=False)
        return replace(settings, bypass=False) if self._local_bypass else settings

    def _own_recording(self, settings: Settings) -> Voice | None:
        """Return the chosen voice if it is the user's own or a recording; the server has the others by name."""
        try:
            voice = self._library.open(settings.voice) if settings.voice and settings.map.strength else None
        except RtvcError:
            return None
        return voice if isinstance(voice, Voice) and voice.name not in _shipped() else None

    def _named(self, settings: Settings) -> Settings:
        """Return settings that call the voice as it was sent along."""
        voice = self._own_recording(settings)
        return settings if voice is None else replace(settings, voice=voice.name)

    def _sent_voice(self, settings: Settings) -> dict[str, str] | None:
        voice = self._own_recording(settings)
        return None if voice is None else protocol.write_voice(voice.name, *read_recordings([voice.reference]))

    def _lose(self, sentence: str) -> None:
        if not self._stopping.is_set():
            silent = f"{sentence} Until then, silence is sent, not your own voice."
            own = f"{sentence} Until then, your own voice is sent."
            self._state, self._message = State.RECOVERING, own if self._bypass_when_lost else silent

    def _fail(self, sentence: str) -> None:
        self._state, self._message, self._failed = State.FAILED, sentence, True


def _shipped() -> set[str]:
    return {voice.name for voice in shipped_voices()}
