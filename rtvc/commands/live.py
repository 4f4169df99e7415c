"""`rtvc live`, which changes your voice while you speak, and `rtvc enrol`, which learns your own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn

from rtvc.app.enrolment import EnrolmentProgress, enrol_recordings, record_enrolment
from rtvc.app.live import LatencyProfile, LiveSetup, RemoteServer
from rtvc.app.models import open_pack
from rtvc.app.preferences import PreferenceFile, Preset
from rtvc.app.presets import find_preset, without_toggles
from rtvc.app.soundboard import find_clips
from rtvc.app.virtual_microphone import virtual_microphone, virtual_microphone_name
from rtvc.audio_file import is_file
from rtvc.commands.keyboard import keyboard
from rtvc.commands.live_display import Display, Route, summary
from rtvc.commands.options import (
    BlockSize,
    EffectsName,
    Formants,
    Intonation,
    NoiseSuppressionLevel,
    PackName,
    Pitch,
    PresetName,
    Strength,
    Threads,
    TransportName,
    with_options,
)
from rtvc.commands.program import EXPERTS
from rtvc.commands.terminal import console, errors, library_noise_discarded, warn
from rtvc.errors import RtvcError
from rtvc.live.file_port import FilePort
from rtvc.live.live_engine import LiveEngine
from rtvc.live.snapshot import State
from rtvc.packs.runtime import Runtime
from rtvc.remote.opening import open_engine, server_address
from rtvc.settings import Settings
from rtvc.storage import make_folder
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary

REFRESH_SECONDS = 0.1
SERVER = "Over a server"


class WhenLost(StrEnum):
    """What listeners hear while the server is lost."""

    SILENCE = "silence"
    BYPASS = "bypass"


def live(
    voice: Annotated[
        str | None,
        typer.Option(
            help="Target voice: a stored voice, a recording, or a blend such as A:0.7,B:0.3. Required unless the "
            "preset has one or --strength is 0."
        ),
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(help="Microphone, by part of its name; or a recording, played to its end in real time."),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Output device, by part of its name. Default: the virtual microphone.")
    ] = None,
    strength: Strength = None,
    pitch: Pitch = None,
    intonation: Intonation = None,
    formants: Formants = None,
    effects: EffectsName = None,
    noise_suppression: NoiseSuppressionLevel = None,
    monitor: Annotated[
        str | None, typer.Option(help="Second output device on which you hear yourself, such as headphones.")
    ] = None,
    preset: PresetName = None,
    profile: Annotated[
        LatencyProfile | None,
        typer.Option(
            help="Trade-off between delay and gaps: lowest, balanced or safe. Default: the preset's, or balanced."
        ),
    ] = None,
    pack: PackName = "mini",
    record: Annotated[
        Path | None, typer.Option(help="Folder for recordings of the session: microphone.wav and output.wav.")
    ] = None,
    clips: Annotated[
        Path | None,
        typer.Option(help="Folder of WAV, FLAC or OGG clips, played by the keys 1 to 9 and stopped by 0."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    output_file: Annotated[
        Path | None, typer.Option(rich_help_panel=EXPERTS, help="File to write if the input is a recording.")
    ] = None,
    transport: TransportName = None,
    block_size: BlockSize = None,
    step: Annotated[
        int | None, typer.Option(min=1, max=50, rich_help_panel=EXPERTS, help="Frames of 20 ms to compute at once.")
    ] = None,
    threads: Threads = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=SERVER,
            help="Run the models on the server at this address (see `rtvc serve`).",
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(rich_help_panel=SERVER, help="The server's token file, copied to this computer.")
    ] = None,
    when_lost: Annotated[
        WhenLost,
        typer.Option(
            rich_help_panel=SERVER, help="What to send while the connection is lost; bypass is your own voice."
        ),
    ] = WhenLost.SILENCE,
) -> None:
    """Change your voice while you speak, until Ctrl-C. Keys: m mutes, b sends your own voice, v selects the next."""
    preferences = PreferenceFile().load()
    last = preferences.settings
    # What suits the room and the microphone stays as it was chosen last.
    chosen = Preset(
        Settings(
            gate_threshold_dbfs=last.gate_threshold_dbfs,
            speech_gate=last.speech_gate,
            noise_suppression=last.noise_suppression,
        )
    )
    if preset is not None:
        chosen = find_preset(preferences, preset, chosen.settings)
    settings = with_options(
        chosen.settings,
        voice=voice,
        transport=transport,
        strength=strength,
        block_size=block_size,
        pitch=pitch,
        intonation=intonation,
        formants=formants,
        effects=effects,
        noise_suppression=noise_suppression,
    )
    settings = replace(without_toggles(settings), monitor=monitor is not None)
    voices, soundboard = VoiceLibrary(), [] if clips is None else find_clips(clips)
    if not settings.voice and settings.map.strength != 0:
        raise RtvcError(
            "No voice is chosen: name one with --voice (`rtvc voices list` shows them), or send your own voice with "
            "--strength 0."
        )
    if server is None:
        models = open_pack(pack)
        settings.pitch.check(models.roles, models.name)
        if (unfit := models.warning) is not None:
            warn(unfit)
        if settings.voice and (warning := voices.open(settings.voice).warning(models)) is not None:
            warn(warning)
    elif output_file is not None:
        raise RtvcError("--server works only with a live microphone: convert recordings with `rtvc convert`.")
    elif step or threads or pack != LiveSetup().pack:
        raise RtvcError("With --server, the server chooses --pack, --step and --threads: leave them out.")
    remote = None if server is None else RemoteServer(server, token_file, when_lost is WhenLost.BYPASS)
    if remote is not None:
        server_address(remote)
    wiring = preferences.wiring
    setup = LiveSetup(
        input or wiring.microphone,
        output or wiring.output,
        monitor,
        pack,
        profile or chosen.profile or LatencyProfile.BALANCED,
        step,
        Runtime(threads),
        remote,
    )
    with ExitStack() as stack:
        stack.enter_context(library_noise_discarded())
        port = None
        if input is not None and _is_file(input):
            if output_file is None:
                raise RtvcError(f"{input} is a recording: give the file to write with --output-file.")
            port = FilePort(input, output_file, overwrite=force)
        elif output_file is not None:
            raise RtvcError("--output-file needs a recording as --input.")
        _refuse_shared_files(input, output_file, *(_recordings(record) if record else ()))
        made = None if port is not None else virtual_microphone()
        if made is not None:
            stack.enter_context(made)
        engine = open_engine(setup, settings, virtual_microphone=made, port=port, voices=voices)
        if record is not None:
            make_folder(record, private=True)
            engine.start_recording(*_recordings(record), overwrite=force)
        stack.callback(engine.stop)
        route = None
        if port is None:
            own = settings.map.strength == 0
            listed = "" if setup.output is not None else virtual_microphone_name()
            route = Route("" if own else settings.voice, listed, str(setup.output or ""), server or "")
        _run(engine, route, voices, soundboard)


def enrol(
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Recordings of your voice, made with this microphone. If you give none, rtvc records you now."
        ),
    ] = None,
    input: Annotated[str | None, typer.Option(help="Microphone, by part of its name.")] = None,
    seconds: Annotated[float, typer.Option(min=5, max=120, help="Length of the recording in seconds.")] = 20.0,
    noise_suppression: NoiseSuppressionLevel = None,
    pack: PackName = "mini",
) -> None:
    """Learn your own voice at a microphone, so that even the first words of a session are converted well."""
    preferences = PreferenceFile().load()
    microphone = input or preferences.wiring.microphone
    level = noise_suppression or preferences.settings.noise_suppression
    if recordings:
        enrolment = enrol_recordings(recordings, microphone, pack, noise_suppression=level)
    else:
        console.print(f"Read something aloud for {seconds:.0f} s. Ctrl-C ends the recording early.")
        with _bar() as bar, interrupted() as stop:
            task = bar.add_task("", total=seconds)

            def show(heard: EnrolmentProgress) -> None:
                bar.update(task, completed=heard.seconds, description=f"{heard.speech_seconds:4.1f} s of speech")

            enrolment = record_enrolment(
                microphone, seconds, pack, noise_suppression=level, progress=show, enough=stop.is_set
            )
    if enrolment.warning is not None:
        warn(enrolment.warning)
    console.print(
        f"{enrolment.microphone}: {enrolment.speech_seconds:.1f} s of speech at {enrolment.level_dbfs:.0f} dBFS, "
        f"for model pack {open_pack(pack).name}",
        soft_wrap=True,
    )


@contextmanager
def interrupted() -> Iterator[threading.Event]:
    """Turn Ctrl-C, SIGTERM and a closed terminal (SIGHUP) into an event, so that everything is closed in order."""
    event = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        event.set()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # A signal that is ignored stays so: `nohup` is there to outlive the terminal.
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(engine: LiveEngine, route: Route | None, voices: VoiceLibrary, clips: Sequence[Path]) -> None:
    """Run until interrupted or ended, follow the keys, and show how it goes. A file, without a route, has no keys.

    Raises `RtvcError` if the engine fails, and exits with 2 if it never had a map to the voice.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(interrupted())
        keys = stack.enter_context(keyboard()) if route is not None else None
        display = Display(route, has_keys=keys is not None)
        line = stack.enter_context(Live(console=console, transient=True, auto_refresh=False))
        engine.start()
        while not engine.wait(REFRESH_SECONDS) and not stop.is_set():
            for key in keys.pressed() if keys is not None else "":
                if key.isdecimal():
                    play_clip(key, engine, clips)
                settings = after_key(key, engine.settings, voices)
                if settings.voice != engine.settings.voice:
                    console.print(f"{'Voice':19}{settings.voice}", soft_wrap=True)
                engine.settings = settings
            line.update(display.update(engine.snapshot(), engine, console.width), refresh=True)
    try:
        engine.stop()
    except RtvcError as error:
        if str(error) in display.shown:
            raise typer.Exit(2) from error
        raise
    snapshot = engine.snapshot()
    if snapshot.state == State.FAILED:
        raise RtvcError(snapshot.message)
    if display.never_converted:
        raise typer.Exit(2)  # The display has said why.
    console.print(summary(snapshot), soft_wrap=True)


def play_clip(key: str, engine: LiveEngine, clips: Sequence[Path]) -> None:
    """Play the clip of a number key; 0 stops all clips."""
    number = int(key)
    if number == 0:
        engine.stop_clips()
    elif number <= len(clips):
        try:
            engine.play_clip(clips[number - 1])
        except RtvcError as error:
            warn(str(error))


def after_key(key: str, settings: Settings, voices: VoiceLibrary) -> Settings:
    """Return the settings after a key: m mutes, b bypasses, v takes the next voice; other keys change nothing."""
    match key.lower():
        case "m":
            return replace(settings, mute=not settings.mute)
        case "b":
            return replace(settings, bypass=not settings.bypass)
        case "v" if settings.map.strength > 0:
            names = [voice.name for voice in voices.list()]
            place = names.index(settings.voice) + 1 if settings.voice in names else 0
            return replace(settings, voice=names[place % len(names)]) if names else settings
    return settings


def _recordings(folder: Path) -> tuple[Path, Path]:
    return folder / "microphone.wav", folder / "output.wav"


def _refuse_shared_files(source: str | None, *outputs: Path | None) -> None:
    """Raise `RtvcError` if two of these are the same file, so that one would replace the other."""
    paths = [path for path in (None if source is None else Path(source), *outputs) if path is not None]
    resolved = [os.path.realpath(path) for path in paths]
    for place, path in enumerate(paths):
        if resolved[place] in resolved[:place]:
            raise RtvcError(f"{path} would be written twice, or is the input: name another file or folder.")


def _bar() -> Progress:
    return Progress(BarColumn(), TextColumn("{task.description}", markup=False), console=errors, transient=True)


def _is_file(name: str) -> bool:
    path = Path(name)
    return path.suffix.lower() in AUDIO_SUFFIXES or is_file(path)
