"""`rtvc live`: the microphone into another voice, now; and `rtvc enrol`, which learns the user's own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import numpy as np
import typer
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from rtvc.app.preferences import PreferenceFile
from rtvc.commands.options import BlockSize, PackName, Threads, transport_options
from rtvc.commands.terminal import console, errors, warn
from rtvc.devices.live_port import LivePort, virtual_microphone
from rtvc.devices.portaudio import find_device, list_devices
from rtvc.devices.streams import AudioPort, FilePort
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.errors import RtvcError
from rtvc.files.audio_file import is_file
from rtvc.live.engine import Engine
from rtvc.live.recorder import microphone_blocks
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.storage import make_folder
from rtvc.transport import FITS
from rtvc.voices.enrolment import Enrolment, EnrolmentLibrary, enrol_audio, enrol_files
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary

REFRESH_SECONDS = 0.1


def live(
    voice: Annotated[
        str | None,
        typer.Option(
            help="A stored voice, a recording of the target, or a blend: A:0.7,B:0.3. Without one, or a preset's, "
            "your own voice is heard."
        ),
    ] = None,
    input: Annotated[
        str | None, typer.Option(help="Microphone (part of its name), or a recording played in its place.")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Device to play into (part of its name). Default: the virtual microphone.")
    ] = None,
    output_file: Annotated[Path | None, typer.Option(help="With a recording as input: where to write.")] = None,
    monitor: Annotated[str | None, typer.Option(help="Device on which you hear yourself.")] = None,
    preset: Annotated[str | None, typer.Option(help="Begin with a preset that was stored in the panel.")] = None,
    pack: PackName = "mini",
    transport: Annotated[str | None, typer.Option(help=f"The map: {', '.join(FITS)}. Default: mkl.")] = None,
    strength: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="From 0, your own voice, to 1, the target's, the default.")
    ] = None,
    block_size: BlockSize = None,
    step: Annotated[int | None, typer.Option(min=1, max=50, help="Frames of 20 ms computed at once.")] = None,
    threads: Threads = None,
    record: Annotated[
        Path | None, typer.Option(help="Folder for microphone.wav and output.wav of the session.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace recordings and outputs that exist.")] = False,
) -> None:
    """Change your voice, live, until Ctrl-C; with a recording as input, in real time until its end."""
    preferences = PreferenceFile().load()
    settings = Settings(gate_threshold_dbfs=preferences.settings.gate_threshold_dbfs)
    if preset is not None:
        if preset not in preferences.presets:
            known = ", ".join(sorted(preferences.presets)) or "none yet"
            raise RtvcError(f"There is no preset {preset!r}; there are: {known}.")
        settings = preferences.presets[preset]
    chosen = {"voice": voice, "transport": transport, "strength": strength, "block_size": block_size}
    settings = replace(settings, **{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    # Nothing of a preset that only the panel could switch off again.
    settings = replace(settings, bypass=False, mute=False, push_to_talk=False, talking=False)
    settings = replace(settings, monitor=monitor is not None)
    transport_options(settings.transport, block_size)
    library = VoiceLibrary()
    opened = find_pack(pack, Runtime(threads))
    if not settings.voice:
        warn("No voice is chosen, so your own is heard: choose one with --voice; `rtvc voices list` shows them.")
    elif (warning := library.open(settings.voice).warning(opened)) is not None:
        warn(warning)
    wiring = preferences.wiring
    with ExitStack() as stack:
        port: AudioPort
        if input is not None and _is_file(input):
            if output_file is None:
                raise RtvcError(f"{input} is a recording: name where to write with --output-file.")
            port = FilePort(input, output_file, overwrite=force)
        elif output_file is not None:
            raise RtvcError("--output-file goes with a recording as --input.")
        else:
            made = virtual_microphone()
            port = LivePort(
                input or wiring.microphone,
                output or wiring.output,
                monitor,
                virtual_microphone=None if made is None else stack.enter_context(made),
            )
        engine = Engine(opened, port, settings, library=library, step=step)
        if record is not None:
            make_folder(record)
            engine.start_recording(record / "microphone.wav", record / "output.wav", overwrite=force)
        stack.callback(engine.stop)
        _run(engine, port)


def enrol(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Recordings made by the microphone; without any, it is recorded now.")
    ] = None,
    input: Annotated[str | None, typer.Option(help="The microphone (part of its name).")] = None,
    seconds: Annotated[float, typer.Option(min=5, max=120, help="How long to record.")] = 20.0,
    pack: PackName = "mini",
) -> None:
    """Learn your own voice at a microphone, so that the first words are converted as well as the last."""
    opened = find_pack(pack)
    # Before the microphone is looked for: what is wrong with the recordings concerns the user first.
    learnt = enrol_files(recordings, opened, "") if recordings else None
    listed = list_devices()
    if not any(device.inputs for device in listed):
        raise RtvcError("An enrolment belongs to a microphone, and there is none: plug one in.")
    microphone = find_device(input or PreferenceFile().load().wiring.microphone, "input", listed)
    name = str(microphone.identity)
    if learnt is not None:
        enrolment = replace(learnt, microphone=name)
    else:
        console.print(f"Read something aloud for {seconds:.0f} s into {microphone.description}.")
        heard, rate, speech = [], 0, 0.0
        with _bar() as bar, interrupted() as stop:
            task = bar.add_task("", total=seconds)
            activity: SpeechActivity | None = None
            for block, rate in microphone_blocks(microphone, seconds):
                activity = activity or SpeechActivity(rate // opened.frame_rate, rate)
                speech += float(np.count_nonzero(activity.process(block))) / opened.frame_rate
                heard.append(block)
                bar.update(task, advance=len(block) / rate, description=f"{speech:4.1f} s of speech")
                if stop.is_set():
                    break
        if not heard:
            raise RtvcError(f"{microphone.description} gave no sound.")
        enrolment = enrol_audio(np.concatenate(heard), rate, opened, name)
    EnrolmentLibrary().save(enrolment, opened)
    if enrolment.warning is not None:
        warn(enrolment.warning)
    console.print(
        f"{name}: {enrolment.speech_seconds:.1f} s of speech at {enrolment.level_dbfs:.0f} dBFS, "
        f"for model pack {opened.name}",
        soft_wrap=True,
    )


@contextmanager
def interrupted() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event for a while, so that everything is closed in order."""
    event = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        event.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(engine: Engine, port: AudioPort) -> None:
    """Run until interrupted or ended, showing how it goes; raise `RtvcError` if it could not start."""
    with interrupted() as stop, Live(console=console, transient=True, auto_refresh=False) as display:
        engine.start()
        said = ""
        begun = False
        while not engine.wait(REFRESH_SECONDS) and not stop.is_set():
            snapshot = engine.snapshot()
            if snapshot.state == State.RUNNING and not begun:
                begun = True
                if isinstance(port, LivePort):
                    engine.enrolment = _enrolment(port.microphone_name, engine.pack)
                    # What the engine says so far, it says of a speaker whom it did not know.
                    continue
            if snapshot.message != said:
                said = snapshot.message
                if said:
                    warn(said)
            display.update(_line(snapshot), refresh=True)
    engine.stop()
    snapshot = engine.snapshot()
    if snapshot.state == State.FAILED:
        raise RtvcError(snapshot.message)
    console.print(
        f"{_delay(snapshot)}; {snapshot.underruns} underruns, {snapshot.overruns} overruns, "
        f"{snapshot.dropped_frames} frames dropped",
        soft_wrap=True,
    )


def _enrolment(microphone: str, pack: ModelPack) -> Enrolment | None:
    try:
        found = EnrolmentLibrary().load(microphone, pack)
    except RtvcError as error:
        warn(str(error))
        return None
    if found is None:
        errors.print("Your voice is learnt while you speak; `rtvc enrol` once makes it right from the first word.")
    return found


def _line(snapshot: Snapshot) -> Text:
    fit = "" if snapshot.fit_progress is None else f"fitting {snapshot.fit_progress:.0%}  "
    return Text(
        f"{snapshot.state}  {fit}in {_meter(snapshot.input_level)}  out {_meter(snapshot.output_level)}  "
        f"{_delay(snapshot)}  underruns {snapshot.underruns}  dropped {snapshot.dropped_frames}",
        no_wrap=True,
        overflow="ellipsis",
    )


def _delay(snapshot: Snapshot) -> str:
    latency = snapshot.latency
    parts = (latency.step, latency.algorithmic, latency.compute, latency.queue, latency.device)
    step, algorithmic, compute, queue, device = (f"{1000 * part:.0f}" for part in parts)
    return (
        f"delay {1000 * latency.total:.0f} ms (step {step} + algorithmic {algorithmic} + compute {compute} "
        f"+ queue {queue} + device {device})"
    )


def _meter(level: float, width: int = 12) -> str:
    filled = round(width * min(max((level + 60) / 60, 0), 1))
    return "█" * filled + "·" * (width - filled)


def _bar() -> Progress:
    return Progress(BarColumn(), TextColumn("{task.description}", markup=False), console=errors, transient=True)


def _is_file(name: str) -> bool:
    path = Path(name)
    return path.suffix.lower() in AUDIO_SUFFIXES or is_file(path)
