"""`rtvc bench throughput`, `latency`, `transports` and `soak`: speed, with nothing to prepare."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.benchmark.comparison import compare_reports
from rtvc.benchmark.latency import latency_report
from rtvc.benchmark.loops import DeviceLoop, Loop, PacedLoop, PulseLoop, pulse_answers
from rtvc.benchmark.soak import every_core, soak_report
from rtvc.benchmark.throughput import throughput_report
from rtvc.benchmark.transports import transports_report
from rtvc.commands.options import PackName, Threads, map_choice
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, hand_over
from rtvc.commands.terminal import errors
from rtvc.errors import RtvcError
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime
from rtvc.transport import FITS

ThreadCounts = Annotated[
    list[int] | None,
    typer.Option("--threads", min=1, help="Threads that each graph may use. Repeatable. Default: 1, 2, 4 … cores."),
]


class Between(StrEnum):
    """Between which devices the engine runs."""

    AUTO = "auto"
    PULSE = "pulse"
    MEMORY = "memory"


Devices = Annotated[
    Between,
    typer.Option(help="Virtual devices of PulseAudio or PipeWire, or memory alone. auto: PulseAudio if it runs."),
]
Player = Annotated[str | None, typer.Option(help="Device that plays what the microphone hears.")]
Microphone = Annotated[str | None, typer.Option("--input", help="The engine's microphone.")]
Output = Annotated[str | None, typer.Option(help="The device that the engine plays into.")]
Recorder = Annotated[str | None, typer.Option(help="Device that hears both, what is played and what comes out.")]


def throughput(
    pack: PackName = "mini",
    minutes: Annotated[float, typer.Option(min=0.01, help="Length of the speech; an hour shows any growth.")] = 2.0,
    step: Annotated[int, typer.Option(min=1, help="Frames of 20 ms computed at once.")] = 1,
    threads: ThreadCounts = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure what a second of sound costs, stage by stage, in time and memory."""
    check_reports(json, html, force)
    with bar("conversion") as progress:
        report = throughput_report(find_pack(pack), minutes, step, threads or thread_counts(), progress)
    hand_over(report, json, html)


def latency(
    pack: PackName = "mini",
    step: Annotated[
        list[int] | None, typer.Option(min=1, help="Frames of 20 ms computed at once. Repeatable. Default: 1, 2, 4.")
    ] = None,
    threads: ThreadCounts = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each of these is computed.")] = 20.0,
    restarts: Annotated[int, typer.Option(min=0, help="How often the engine is started; 0 leaves it out.")] = 5,
    clicks: Annotated[int, typer.Option(min=1, help="Clicks through the engine after each start.")] = 10,
    devices: Devices = Between.AUTO,
    player: Player = None,
    microphone: Microphone = None,
    output: Output = None,
    recorder: Recorder = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(metavar="A.json B.json", help="Compare two reports; measure nothing.")
    ] = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure the delay: of the chain, of its computing, and from microphone to output by clicks.

    With --player, --input, --output and --recorder the clicks go through real devices: the recorder must hear both
    what is played to the microphone and what comes out, as a microphone between two loudspeakers does.
    """
    check_reports(json, html, force)
    if compare is not None:
        hand_over(compare_reports(*compare), json, html)
        return
    opened = find_pack(pack)
    with ExitStack() as stack:
        loop = None
        if restarts:
            loop = stack.enter_context(_loop(devices, player, microphone, output, recorder))
        report = latency_report(
            opened,
            step or (1, 2, 4),
            threads or thread_counts(),
            seconds,
            loop,
            restarts,
            clicks,
            errors.print,
        )
    hand_over(report, json, html)


def transports(
    pack: PackName = "mini",
    transport: Annotated[
        list[str] | None, typer.Option("--transport", help=f"Of {', '.join(FITS)}. Repeatable. Default: all.")
    ] = None,
    dim: Annotated[
        list[int] | None, typer.Option(min=1, help="Dimensions of a frame. Repeatable. Default: the pack's.")
    ] = None,
    reference: Annotated[
        list[float] | None, typer.Option(min=1.0, help="Seconds of reference. Repeatable. Default: 5 and 600.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each is run, at the pace of real time.")] = 5.0,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure the maps alone: milliseconds a frame, seconds to fit, memory."""
    check_reports(json, html, force)
    for name in transport or ():
        map_choice(name, None)
    with bar("transports") as progress:
        report = transports_report(
            find_pack(pack), transport or tuple(FITS), dim or (), reference or (5.0, 600.0), seconds, progress
        )
    hand_over(report, json, html)


def soak(
    minutes: Annotated[float, typer.Option(min=0.01, help="How long.")] = 10.0,
    stress: Annotated[bool, typer.Option("--stress", help="Keep every core busy with something else.")] = False,
    pack: PackName = "mini",
    step: Annotated[int, typer.Option(min=1, help="Frames of 20 ms computed at once.")] = 1,
    threads: Threads = None,
    devices: Devices = Between.AUTO,
    player: Player = None,
    microphone: Microphone = None,
    output: Output = None,
    recorder: Recorder = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Run the engine live for a long time: drops, underruns, memory, drift."""
    check_reports(json, html, force)
    opened = find_pack(pack, Runtime(threads))
    with _loop(devices, player, microphone, output, recorder) as loop, bar("live") as progress:
        report = soak_report(opened, loop, minutes, step, every_core() if stress else 0, progress)
    hand_over(report, json, html)


def _loop(
    between: Between, player: str | None, microphone: str | None, output: str | None, recorder: str | None
) -> Loop:
    named = (player, microphone, output, recorder)
    if any(named):
        if not all(named):
            raise RtvcError("To measure through devices, name --player, --input, --output and --recorder, all four.")
        return DeviceLoop(*named)
    if between == Between.PULSE or (between == Between.AUTO and pulse_answers()):
        return PulseLoop()
    return PacedLoop()


def thread_counts() -> list[int]:
    """Return 1, 2, 4 … as far as this machine's cores go."""
    cores = os.cpu_count() or 1
    return [count for count in (1, 2, 4, 8, 16) if count <= cores]


@contextmanager
def bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show how far the work is; tell the yielded function the share that is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as display:
        task = display.add_task(title, total=1.0)
        yield lambda share: display.update(task, completed=share)
