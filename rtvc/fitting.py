"""Learning the speaker and fitting the map towards a voice, off the audio path.

A `Speaker` is told of every step by the thread that processes blocks. A `MapFitter` reads it on a thread of its own;
the worker picks up the newest map between two blocks.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtvc.converter import unchanged
from rtvc.errors import RtvcError
from rtvc.pack import ModelPack
from rtvc.settings import Settings
from rtvc.stage import Block
from rtvc.statistics import FeatureSet, Mask, RunningStatistics
from rtvc.transport import Transport, fit
from rtvc.voices import VoiceLibrary

REFIT_SECONDS = 1


class Speaker:
    """What is known of the speaker's features: the population's at first, then their own; an `Observer`.

    Attributes
    ----------
    enrolled
        Set, by anyone, to learn no more and take these instead; None to go on learning.
    speech_frames
        Frames of speech that were learnt from.
    """

    def __init__(self, pack: ModelPack, enrolled: FeatureSet | None = None) -> None:
        self.enrolled = enrolled
        self.speech_frames = 0
        self._running = RunningStatistics(pack.population)
        self._nothing = np.zeros((0, pack.feature_dim), np.float32)
        self._interval = REFIT_SECONDS * pack.frame_rate
        self._frames = 0

    def __call__(self, features: Block, active: Mask) -> None:
        """Count in the active rows."""
        self._frames += len(features)
        if self.enrolled is None:
            self._running.add(features, active)
            self.speech_frames += int(np.count_nonzero(active))

    @property
    def version(self) -> int:
        """A number that changes about once a second of sound while the speaker is being learnt."""
        return self._frames // self._interval if self.enrolled is None else -1

    def features(self) -> FeatureSet:
        """Return what is known now; without enrolment that is statistics without the frames themselves."""
        return self.enrolled or FeatureSet(self._nothing, self._running.statistics())


def fit_map(
    pack: ModelPack, source: FeatureSet, target: FeatureSet, transport: str, options: Mapping[str, Any]
) -> Transport:
    """Fit the map of a name from the source to the target; the pack fills in what the options leave open."""
    if transport == "mkl":
        options = {"block_size": pack.defaults["block_size"], **options}
    return fit(transport, source, target, **options)


@dataclass(frozen=True)
class MapWish:
    """Which map: towards which voice (none, if empty), by which transport, and K of MKL (None: the pack's)."""

    voice: str
    transport: str
    block_size: int | None

    @classmethod
    def of(cls, settings: Settings) -> MapWish:
        """Return what the settings ask for."""
        return cls(settings.voice, settings.transport, settings.block_size)


class MapFitter:
    """Keeps the map up to date on a thread of its own: for each new wish, and as the speaker is learnt.

    Parameters
    ----------
    pack, speaker, library
        The models, whom to map, and where voices are found.

    Attributes
    ----------
    transport
        The newest map. It stays when a wish cannot be met.
    trouble
        Why the latest wish could not be met, in one sentence; empty if it was.
    """

    def __init__(self, pack: ModelPack, speaker: Speaker, library: VoiceLibrary) -> None:
        self.transport: Transport = unchanged
        self.trouble = ""
        self._pack = pack
        self._speaker = speaker
        self._library = library
        self._wish = MapWish("", "mkl", None)
        self._done: tuple[MapWish, int] | None = None
        self._target: tuple[str, FeatureSet] | None = None
        self._due = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def ask(self, wish: MapWish) -> None:
        """Have a map fitted if it is a new wish or more is known of the speaker; returns at once."""
        if self._done != (wish, self._speaker.version) or self._wish != wish:
            self._wish = wish
            self._due.set()

    def work(self) -> None:
        """Fit the map of the latest wish, unless that has been done, on the calling thread."""
        wish, version = self._wish, self._speaker.version
        if self._done == (wish, version):
            return
        try:
            if not wish.voice:
                self.transport = unchanged
            else:
                options = (
                    {} if wish.block_size is None or wish.transport != "mkl" else {"block_size": wish.block_size}
                )
                source, target = self._speaker.features(), self._voice(wish.voice)
                self.transport = fit_map(self._pack, source, target, wish.transport, options)
            self.trouble = ""
        except RtvcError as error:
            self.trouble = str(error)
        self._done = (wish, version)

    def start(self) -> None:
        """Begin to work on a thread."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rtvc map fitter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread once it has fitted what it is fitting."""
        self._stopping = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._stopping:
                return
            self.work()

    def _voice(self, name: str) -> FeatureSet:
        if self._target is None or self._target[0] != name:
            self._target = (name, self._library.open(name).features(self._pack))
        return self._target[1]
