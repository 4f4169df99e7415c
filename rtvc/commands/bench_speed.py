"""`rtvc bench throughput`, `latency`, `transports` and `soak`: speed, on voices that come with rtvc."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.app.effects import find_effects
from rtvc.app.live import LatencyProfile
from rtvc.benchmark.bandwidth import bandwidth_report
from rtvc.benchmark.comparison import compare_reports
from rtvc.benchmark.gate import gate_report
from rtvc.benchmark.latency import latency_report
from rtvc.benchmark.loops import DeviceLoop, Loop, PacedLoop, PulseLoop, pulse_available
from rtvc.benchmark.soak import soak_report
from rtvc.benchmark.throughput import throughput_report
from rtvc.benchmark.transports import transports_report
from rtvc.commands.options import EffectsName, NoiseSuppressionLevel, PackName, Threads, map_choice
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.commands.terminal import errors
from rtvc.dsp.effects import NO_EFFECTS
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.transport import FITS

ThreadCounts = Annotated[
    list[int] | None,
    typer.Option("--threads", min=1, help="Threads per graph. Repeatable. Default: 1, 2, 4 … cores."),
]


class DeviceKind(StrEnum):
    """The devices that the engine runs on."""

    AUTO = "auto"
    PULSE = "pulse"
    MEMORY = "memory"


Devices = Annotated[
    DeviceKind,
    typer.Option(help="pulse: virtual PulseAudio or PipeWire devices. memory: none. auto: pulse if a server runs."),
]
Player = Annotated[str | None, typer.Option(help="Device that plays to the engine's microphone.")]
Microphone = Annotated[str | None, typer.Option("--input", help="The engine's microphone.")]
Output = Annotated[str | None, typer.Option(help="The engine's output.")]
Profile = Annotated[LatencyProfile, typer.Option(help="Latency profile of the engine: its device buffers and queue.")]
Recorder = Annotated[
    str | None,
    typer.Option(help="Device that hears both player and output, such as a microphone between speakers."),
]


def throughput(
    pack: PackName = "mini",
    minutes: Annotated[float, typer.Option(min=0.01, help="Length of the speech; 60 shows memory growth.")] = 2.0,
    step: Annotated[int, typer.Option(min=1, help="Feature frames of 20 ms per step.")] = 1,
    threads: ThreadCounts = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure computation per second of audio, stage by stage, and memory."""
    check_reports(json, html, force)
    with progress_bar("conversion") as progress:
        report = throughput_report(find_pack(pack), minutes, step, threads or thread_counts(), progress)
    write_report(report, json, html)


def latency(
    pack: PackName = "mini",
    step: Annotated[
        list[int] | None, typer.Option(min=1, help="Feature frames of 20 ms per step. Repeatable. Default: 1, 2, 4.")
    ] = None,
    threads: ThreadCounts = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration of each timing.")] = 20.0,
    restarts: Annotated[int, typer.Option(min=0, help="Number of engine starts; 0 to skip the engine.")] = 5,
    clicks: Annotated[int, typer.Option(min=1, help="Clicks per engine start.")] = 10,
    devices: Devices = DeviceKind.AUTO,
    player: Player = None,
    microphone: Microphone = None,
    output: Output = None,
    recorder: Recorder = None,
    profile: Profile = LatencyProfile.BALANCED,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(metavar="A.json B.json", help="Compare two reports; measure nothing.")
    ] = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure algorithmic latency, computation per step, and the delay from microphone to output with clicks.

    With --player, --input, --output and --recorder, the clicks pass through real devices.
    """
    check_reports(json, html, force)
    if compare is not None:
        write_report(compare_reports(*compare), json, html)
        return
    opened = find_pack(pack)
    with ExitStack() as stack:
        loop = None
        if restarts:
            loop = stack.enter_context(_loop(devices, player, microphone, output, recorder, profile))
        report = latency_report(
            opened,
            step or tuple(dict.fromkeys((profile.step(opened.defaults.step), 1, 2, 4))),
            threads or thread_counts(),
            seconds,
            loop,
            restarts,
            clicks,
            errors.print,
            follow_jitter=profile.follow_jitter,
        )
    write_report(report, json, html)


def transports(
    pack: PackName = "mini",
    transport: Annotated[
        list[str] | None,
        typer.Option(
            "--transport",
            help=f"Name: {', '.join(FITS)}, or a trained map such as not:Iris. Repeatable. Default: all fitted ones.",
        ),
    ] = None,
    dim: Annotated[
        list[int] | None, typer.Option(min=1, help="Feature dimension. Repeatable. Default: the pack's.")
    ] = None,
    reference: Annotated[
        list[float] | None, typer.Option(min=1.0, help="Seconds of reference. Repeatable. Default: 5 and 600.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration of each run at the pace of live audio.")] = 5.0,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure each transport on its own: milliseconds per frame, seconds to fit, memory."""
    check_reports(json, html, force)
    for name in transport or ():
        map_choice(name, None)
    with progress_bar("transports") as progress:
        report = transports_report(
            find_pack(pack), transport or tuple(FITS), dim or (), reference or (5.0, 600.0), seconds, progress
        )
    write_report(report, json, html)


def soak(
    minutes: Annotated[float, typer.Option(min=0.01, help="Duration.")] = 10.0,
    stress: Annotated[
        bool,
        typer.Option("--stress", help="Run twice under a game-like CPU load: at ordinary and at real-time priority."),
    ] = False,
    pack: PackName = "mini",
    effects: EffectsName = None,
    noise_suppression: NoiseSuppressionLevel = None,
    step: Annotated[int, typer.Option(min=1, help="Feature frames of 20 ms per step.")] = 1,
    threads: Threads = None,
    devices: Devices = DeviceKind.AUTO,
    player: Player = None,
    microphone: Microphone = None,
    output: Output = None,
    recorder: Recorder = None,
    profile: Profile = LatencyProfile.BALANCED,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Run the engine live for a long time and count drops and underruns; measure latency, memory and drift."""
    check_reports(json, html, force)
    opened = find_pack(pack, Runtime(threads))
    wanted = Settings(
        effects=NO_EFFECTS if effects is None else find_effects(effects),
        noise_suppression=noise_suppression or NoiseSuppression.OFF,
    )
    with _loop(devices, player, microphone, output, recorder, profile) as loop, progress_bar("live") as progress:
        report = soak_report(
            opened, loop, minutes, step, stress, progress, follow_jitter=profile.follow_jitter, wanted=wanted
        )
    write_report(report, json, html)


def gate(
    folder: Annotated[Path, typer.Argument(help="Folder of recorded speech.")],
    noise: Annotated[
        Path | None, typer.Option(help="Folder that contains a folder of recordings for each kind of noise.")
    ] = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure how long noise opens the noise gate, and how much speech the gate cuts, in level and in speech mode."""
    check_reports(json, html, force)
    write_report(gate_report(folder, noise), json, html)


def bandwidth(
    folder: Annotated[Path, typer.Argument(help="Folder of speech recorded at 44.1 kHz or more.")],
    effects: EffectsName = "Air",
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure how closely effects restore speech of 16 kHz to its original of 48 kHz."""
    check_reports(json, html, force)
    write_report(bandwidth_report(folder, find_effects(effects or "Air")), json, html)


def _loop(
    devices: DeviceKind,
    player: str | None,
    microphone: str | None,
    output: str | None,
    recorder: str | None,
    profile: LatencyProfile,
) -> Loop:
    named = (player, microphone, output, recorder)
    if any(named):
        if not all(named):
            raise RtvcError("Real devices need all four of --player, --input, --output and --recorder.")
        return DeviceLoop(*named, profile.buffer_seconds)
    if devices == DeviceKind.PULSE or (devices == DeviceKind.AUTO and pulse_available()):
        return PulseLoop(profile.buffer_seconds)
    return PacedLoop()


def thread_counts() -> list[int]:
    """Return 1, 2, 4 … up to this machine's number of cores."""
    cores = os.cpu_count() or 1
    return [count for count in (1, 2, 4, 8, 16) if count <= cores]


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar; yields a function that takes the share done, 0 … 1."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as display:
        task = display.add_task(title, total=1.0)
        yield lambda share: display.update(task, completed=share)
