"""Enrolling: learning the user's own voice at a microphone, so that the first words are converted well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.app.devices import find_microphone
from rtvc.app.models import open_pack
from rtvc.devices import portaudio
from rtvc.devices.live_port import Wanted
from rtvc.devices.microphone import microphone_blocks
from rtvc.dsp.decibels import decibels
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.errors import RtvcError
from rtvc.voices.enrolment import Enrolment, EnrolmentLibrary, enrol_audio, enrol_files


@dataclass(frozen=True)
class EnrolmentProgress:
    """What has been heard so far, ten times a second.

    Attributes
    ----------
    seconds, speech_seconds
        Length of the recording, and how much of it is speech.
    level_dbfs, peak_dbfs
        Root mean square and highest sample of the last 0.1 s.
    """

    seconds: float
    speech_seconds: float
    level_dbfs: float
    peak_dbfs: float


def record_enrolment(
    microphone: Wanted,
    seconds: float,
    pack: str,
    *,
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    progress: Callable[[EnrolmentProgress], None] = lambda heard: None,
    enough: Callable[[], bool] = lambda: False,
    enrolments: EnrolmentLibrary | None = None,
) -> Enrolment:
    """Record the microphone, enrol the speaker, and store the enrolment.

    Parameters
    ----------
    microphone
        Identity or part of the name; None for the default.
    seconds
        Length of the recording.
    pack
        Name or folder of the model pack that the enrolment is for.
    noise_suppression
        That of the live sound, so that both take the same way.
    progress
        Called ten times a second. An exception that it raises abandons the enrolment, and nothing is stored.
    enough
        Asked ten times a second whether to stop recording now and use what was heard.
    enrolments
        Where to store it; None for the user's data folder.

    Raises
    ------
    RtvcError
        If the microphone is missing or fails, or gives less than 3 s of speech.
    """
    noise_suppression.check()
    opened = open_pack(pack)
    device = find_microphone(microphone)
    blocks = []
    rate, samples, speech_frames = 1, 0, 0
    activity: SpeechActivity | None = None
    for block, rate in microphone_blocks(device, seconds):
        activity = activity or SpeechActivity(rate // opened.frame_rate, rate)
        blocks.append(block)
        samples += len(block)
        speech_frames += int(np.count_nonzero(activity.process(block)))
        level, peak = float(np.sqrt(np.mean(block**2))), float(np.max(np.abs(block)))
        speech_seconds = speech_frames / opened.frame_rate
        progress(EnrolmentProgress(samples / rate, speech_seconds, decibels(level), decibels(peak)))
        if enough():
            break
    if not blocks:
        raise RtvcError(f"{device.description} delivered no sound: check that it is not muted, and record longer.")
    enrolment = enrol_audio(np.concatenate(blocks), rate, opened, str(device.identity), noise_suppression)
    (enrolments or EnrolmentLibrary()).save(enrolment, opened)
    return enrolment


def enrol_recordings(
    recordings: Sequence[Path],
    microphone: Wanted,
    pack: str,
    *,
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    enrolments: EnrolmentLibrary | None = None,
) -> Enrolment:
    """Enrol the speaker from recordings that the microphone made, and store the enrolment.

    Raises `RtvcError` as `record_enrolment` does, and for recordings that cannot be read.
    """
    opened = open_pack(pack)
    # Before looking for the microphone: what is wrong with the recordings matters more to the user.
    enrolment = enrol_files(recordings, opened, "", noise_suppression)
    enrolment = replace(enrolment, microphone=str(find_microphone(microphone).identity))
    (enrolments or EnrolmentLibrary()).save(enrolment, opened)
    return enrolment


def find_enrolment(microphone: Wanted, pack: str, *, enrolments: EnrolmentLibrary | None = None) -> Enrolment | None:
    """Return the enrolment at a microphone, by the latest list of devices, or None if there is none.

    Raises `RtvcError` if the microphone is missing or the stored enrolment is damaged.
    """
    device = portaudio.find_device(microphone, "input", portaudio.list_devices())
    return (enrolments or EnrolmentLibrary()).load(str(device.identity), open_pack(pack))


def store_enrolment(enrolment: Enrolment, pack: str, *, enrolments: EnrolmentLibrary | None = None) -> None:
    """Store an enrolment, such as one that was removed a moment ago."""
    (enrolments or EnrolmentLibrary()).save(enrolment, open_pack(pack))


def remove_enrolment(microphone: str, pack: str, *, enrolments: EnrolmentLibrary | None = None) -> bool:
    """Delete the enrolment at a microphone (`Enrolment.microphone`); return whether there was one."""
    return (enrolments or EnrolmentLibrary()).remove(microphone, open_pack(pack))
