"""Plays references and previews on the user's own output through Qt; PortAudio belongs to the engine.

Lives on the GUI thread; Qt's audio thread takes the samples from a buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QTimer

from gui.language import tr, tr_noop
from rtvc.app.voices import Sound
from rtvc.devices.portaudio import OWN_PREFIX
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    from PyQt6.QtMultimedia import QAudioDevice, QAudioSink

PROGRESS_MILLISECONDS = 60
NOTHING = tr_noop("There is no output to play on. Plug in headphones or speakers.")


class QtPlayer(QObject):
    """Plays on the system's default output, never on the virtual microphone."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sink: QAudioSink | None = None
        self._buffer = QBuffer(self)
        self._length = 1.0
        self._progress: Callable[[float], None] = lambda share: None
        self._finished: Callable[[], None] = lambda: None
        self._timer = QTimer(self)
        self._timer.setInterval(PROGRESS_MILLISECONDS)
        self._timer.timeout.connect(self._look)

    def rate(self) -> int:
        """Return the sample rate of the output in Hz; raise `RtvcError` if there is no output."""
        return _output().preferredFormat().sampleRate()

    def play(self, sound: Sound, progress: Callable[[float], None], finished: Callable[[], None]) -> None:
        """Start playing; raise `RtvcError` if there is no output."""
        from PyQt6.QtMultimedia import QAudio, QAudioFormat, QAudioSink

        self.stop()
        device = _output()
        layout = device.preferredFormat()
        layout.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        layout.setSampleRate(sound.rate)
        samples = np.repeat((np.clip(sound.audio, -1, 1) * 32767).astype(np.int16), layout.channelCount())
        self._buffer.setData(QByteArray(samples.tobytes()))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._length = max(len(sound.audio) / sound.rate, 0.001)
        self._progress, self._finished = progress, finished
        self._sink = QAudioSink(device, layout, self)
        self._sink.start(self._buffer)
        if self._sink.error() != QAudio.Error.NoError:
            self.stop()
            raise RtvcError(tr(NOTHING))
        self._timer.start()

    def stop(self) -> None:
        """Stop playing; neither function is called any more."""
        self._timer.stop()
        if self._sink is not None:
            self._sink.stop()
            self._sink.deleteLater()
            self._sink = None
        self._buffer.close()

    def _look(self) -> None:
        from PyQt6.QtMultimedia import QAudio

        assert self._sink is not None
        if self._sink.state() in (QAudio.State.IdleState, QAudio.State.StoppedState):
            self.stop()
            self._finished()
        else:
            self._progress(min(1.0, self._sink.processedUSecs() / 1e6 / self._length))


def _output() -> QAudioDevice:
    # Loading QtMultimedia takes time, and most sessions never play a reference.
    from PyQt6.QtMultimedia import QMediaDevices

    device = QMediaDevices.defaultAudioOutput()
    if device.isNull() or device.id().data().decode(errors="replace").startswith(OWN_PREFIX):
        raise RtvcError(tr(NOTHING))
    return device
