"""The live engine: converts a microphone until it is stopped.

Threads: the worker, which alone opens and closes the port and processes audio; the map fitter
(`rtvc.live.map_fitter`); the recorder, while it records; and those of the port. Any other thread may call the methods
of `Engine`, which return at once, except `stop`, `stop_recording` and `wait`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence

import numpy as np

from rtvc.chain.voice_converter import VoiceConverter
from rtvc.devices.device_stream import stream_threads
from rtvc.devices.port import AudioPort
from rtvc.dsp.soundboard import Soundboard
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.cpu_share import CpuShare
from rtvc.live.map_fitter import MapFitter, MapRequest, Speaker
from rtvc.live.pipeline import Counts, Pipeline
from rtvc.live.priority import Urgency, hurry
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.live.worker_engine import WorkerEngine
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment, EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary

SWITCH_SECONDS = 0.001
"""Longest time for which another Python thread may keep the interpreter from the audio callbacks and the worker."""

WAIT_SECONDS = 0.05
POLL_SECONDS = 0.005
WARM_UP_STEPS = 5


class Engine(WorkerEngine):
    """Converts the voice at a microphone in real time.

    Parameters
    ----------
    pack
        The models.
    port
        The audio input and output. The engine opens and closes it, and reopens it after a failure.
    settings
        Initial settings.
    enrolment
        The user's own voice at this microphone; without it, their statistics are learnt while they speak.
    enrolments
        Library in which to look up the enrolment of each microphone that the port opens. None keeps `enrolment`.
    library
        The voices.
    step
        Feature frames per step; None for the pack's default.
    follow_jitter
        Keep the queue before the output as short as the measured jitter allows, as in `OutputQueue`.
    urgent
        Ask for real-time scheduling of the worker, the map fitter and the streams of the devices.

    Attributes
    ----------
    settings
        The current settings. Any thread may replace the object; the next step fades to its values.
    """

    def __init__(
        self,
        pack: ModelPack,
        port: AudioPort,
        settings: Settings | None = None,
        *,
        enrolment: Enrolment | None = None,
        enrolments: EnrolmentLibrary | None = None,
        library: VoiceLibrary | None = None,
        step: int | None = None,
        follow_jitter: bool = False,
        urgent: bool = True,
    ) -> None:
        super().__init__(port)
        self.pack = pack
        self._follow_jitter, self._urgent = follow_jitter, urgent
        self.settings = settings or Settings()
        self._speaker = Speaker(pack)
        self.enrolment = enrolment
        self._enrolments = enrolments
        self._microphone = ""
        self._notice = ""
        self._fitter = MapFitter(pack, self._speaker, library or VoiceLibrary(), urgent)
        self._step = step or pack.defaults.step
        self._pipeline: Pipeline | None = None
        self._past = Counts()
        self._cpu_share = 0.0
        self._step_seconds = 0.0
        self._urgency: Urgency | None = None

    @property
    def enrolment(self) -> Enrolment | None:
        """The user's own voice at this microphone, or None while its statistics are learnt."""
        return self._enrolment

    @enrolment.setter
    def enrolment(self, enrolment: Enrolment | None) -> None:
        self._enrolment = enrolment
        self._speaker.enrolled = None if enrolment is None else enrolment.features

    def read_voices_again(self) -> None:
        """Fit the map to the chosen voice as it is now, because recordings of voices were changed; returns at once."""
        self._fitter.read_voices_again()

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds of the microphone at the pack's rate, and of the output at its own, for displays.

        At most `rtvc.live.pipeline.HISTORY_SECONDS`, padded with silence at the front.
        """
        pipeline, samples = self._pipeline, round(seconds * self.pack.sample_rate)
        if pipeline is None:
            return np.zeros(samples, np.float32), np.zeros(samples, np.float32)
        sent = pipeline.output_history.latest(round(seconds * pipeline.voice_output.rate))
        return pipeline.input_history.latest(samples), sent

    def snapshot(self) -> Snapshot:
        """Return the current state, meters and counters."""
        pipeline = self._pipeline
        silenced = self._state == State.RUNNING and pipeline is not None and pipeline.silenced
        message = self._message or self._map_message(silenced) or self._notice or self.port.warning
        if pipeline is not None:
            message = message or pipeline.voice_output.effects.problem
        message = message or self._recording_failure
        if self._enrolment is not None:
            message = message or self._enrolment.mismatch(self.settings.noise_suppression)
        speech = None if self._enrolment else self._speaker.speech_frames / self.pack.frame_rate
        if pipeline is None:
            return Snapshot(state=self._state, message=message, speech_seconds=speech)
        compute = list(pipeline.compute.copy())
        # Twenty times a second, `np.percentile` took a tenth of the panel's processor time.
        ordered = sorted(compute) or [0.0]
        p50, p99 = (ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.99))
        port, capture = self.port, self.port.capture
        counts = self._past + pipeline.counts
        return Snapshot(
            state=State.SILENCED if silenced else self._state,
            message=message,
            input_level_dbfs=pipeline.input_meter.level,
            output_level_dbfs=pipeline.output_meter.level,
            input_peak_dbfs=pipeline.input_meter.peak,
            output_peak_dbfs=pipeline.output_meter.peak,
            latency=Latency(
                step_seconds=pipeline.seconds,
                algorithmic_seconds=float(pipeline.latency),
                compute_seconds=p50,
                queue_seconds=pipeline.output.delay,
                # The microphone's delay includes its block, which is part of the step here. A virtual microphone
                # may deliver a block before its last sample was due; the difference is negative then.
                device_seconds=max(0.0, capture.delay - capture.block / capture.rate + port.playback.delay),
            ),
            compute_p50_seconds=p50,
            compute_p99_seconds=p99,
            deadline_seconds=pipeline.seconds,
            recent_compute_seconds=tuple(compute),
            underruns=counts.underruns,
            overruns=counts.overruns,
            dropped_frames=counts.dropped_frames,
            device_flags=counts.device_flags,
            drift_ppm=pipeline.output.drift_ppm,
            cpu_share=self._cpu_share,
            speech_seconds=speech,
            fit_progress=self._fitter.progress,
            recording=self._recorder is not None,
            priority="" if self._urgency is None else self._urgency.grant.how,
        )

    def _map_message(self, silenced: bool) -> str:
        """Return what to tell the user about map and pitch; empty if they are as chosen."""
        settings, error = self.settings, self._fitter.error
        if silenced:
            return f"{error or 'The map is being fitted.'} Until there is a map, silence is sent, not your own voice."
        if not error or not (settings.voice or self._fitter.voice):
            return settings.pitch.problem(self.pack.roles, self.pack.name)
        return f"{error} The voice stays {self._fitter.voice}." if self._fitter.voice else error

    @property
    def _soundboards(self) -> Sequence[Soundboard]:
        return [] if self._pipeline is None else self._pipeline.soundboards

    def _prepare(self) -> None:
        self._pipeline, self._past = None, Counts()
        self._microphone, self._notice = "", ""

    def _convert(self) -> None:
        self._fitter.start()
        self._open_port()
        self._fitter.ask(MapRequest.of(self.settings))
        converter = self._warm_up()
        self._await_map()
        if not self._stopping.is_set():
            self._follow(converter)
            self._state = State.RUNNING
            self._work(converter)

    def _release(self) -> None:
        self._fitter.stop()
        gc.unfreeze()

    def _warm_up(self) -> VoiceConverter:
        """Build the converter and run a few steps, so that the first words meet no allocation."""
        converter = VoiceConverter(self.pack)
        for _ in range(WARM_UP_STEPS):
            began = time.perf_counter()
            converter.process(np.zeros(self._step * self.pack.hop, np.float32))
            self._step_seconds = time.perf_counter() - began  # of the last step: the first ones allocate
        converter.observe = self._speaker
        # A full garbage collection would visit the libraries' objects too, which takes longer than a step.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        return converter

    def _open_port(self) -> None:
        """Open the port and load the enrolment of the microphone it opened.

        The microphone is only known once the port is open, and the map depends on it, so no map is fitted before.
        """
        self.port.open()
        if self._enrolments is None or self.port.microphone_name == self._microphone:
            return
        self._microphone, self._notice = self.port.microphone_name, ""
        try:
            self.enrolment = self._enrolments.load(self._microphone, self.pack)
        except RtvcError as error:
            self.enrolment, self._notice = None, str(error)

    def _await_map(self) -> None:
        """Wait for a map from this speaker to the voice. Nothing is played until then."""
        while not self._fitter.answered(request := MapRequest.of(self.settings)):
            self._fitter.ask(request)
            if self._stopping.wait(POLL_SECONDS):
                return

    def _follow(self, converter: VoiceConverter) -> None:
        """Start the port, which has just been opened, with a new pipeline."""
        if self._pipeline is not None:
            self._past = self._past + self._pipeline.counts
        if self._urgent:
            self._urgency = Urgency(self._step_seconds)
            if self._urgency.grant.realtime:
                hurry(stream_threads())
        self.port.start()
        self._pipeline = Pipeline(
            converter, self._fitter, self.port, self._step, self.settings, self._enrolment, self._follow_jitter
        )

    def _work(self, converter: VoiceConverter) -> None:
        share = CpuShare()
        while not self._stopping.is_set():
            failure = self.port.failure()
            if self.port.ended:
                if failure is not None:
                    raise RtvcError(failure)
                return
            if failure is not None:
                self._recover(failure, converter)
                continue
            pipeline = self._pipeline
            assert pipeline is not None
            if self.port.capture.wait(pipeline.block, WAIT_SECONDS):
                pipeline.recorder = self._recorder
                if pipeline.step(self.settings, self._enrolment) and self._urgency is not None:
                    self._urgency.stepped()
            self._cpu_share = share.update()

    def _recover(self, failure: str, converter: VoiceConverter) -> None:
        """Reopen the port until that succeeds; a new pipeline starts then.

        Looking for devices may take long, so the worker gives up real-time scheduling first.
        """
        if self._urgency is not None:
            self._urgency.give_up()
        if self._reopened(failure, self._open_port):
            self._await_map()
            self.port.playback.muted = False
            self._follow(converter)
            self._state, self._message = State.RUNNING, ""
