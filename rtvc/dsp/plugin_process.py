"""The process of one plug-in: `run` loads it, tries it, answers blocks of audio and shows its window.

The main thread loads the plug-in, resets it and shows its window, as pedalboard demands; a second thread processes
audio. The main thread sleeps until it is asked for something: awake every 20 ms at ordinary priority, it kept the
interpreter from the other thread beside a load.
"""

from __future__ import annotations

import base64
import os
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

import numpy as np

from rtvc.dsp.plugins import PluginEffect, PluginReport

STEP = 1024
"""Samples per call of a plug-in: its largest block. A step of 20 ms fits, also at a rate that follows a drift."""

HEAD = struct.Struct("<QQ")
"""What precedes the samples of a block: its number, and in answers the plug-in's latency in samples."""

WATCH_SECONDS = 0.25

Hurry = Callable[[], Callable[[], None]]
"""Asks for real-time scheduling of the calling thread; returns what it calls after each block. Can be pickled."""


def run(
    path: str, effect: PluginEffect, rate: int, audio: Connection, control: Connection, hurry: Hurry | None
) -> None:
    """Run the plug-in's process until its pipes are closed."""
    _silence()
    import pedalboard

    try:
        plugin: Any = pedalboard.load_plugin(path)  # type: ignore[attr-defined]
        if effect.state:
            plugin.raw_state = base64.b64decode(effect.state)
        _set(plugin, dict(effect.parameters))
        report = _try(plugin, rate)
    except Exception as error:
        control.send(" ".join(str(error).split())[:300].rstrip(".") or repr(error))
        return
    control.send(report)
    asked, asking = Pipe(duplex=False)
    silent = threading.Event()

    def reset() -> None:
        silent.clear()
        asking.send_bytes(b"reset")
        silent.wait(1.0)

    def answer() -> None:
        process_audio(plugin, report, audio, reset, hurry)
        _end()

    threading.Thread(target=answer, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            if asked in (ready := wait((control, asked))):
                asked.recv_bytes()
                plugin.reset()
                silent.set()
            if control in ready:
                match control.recv():
                    case ("set", values):
                        _set(plugin, values)
                    case ("state", state):
                        plugin.raw_state = base64.b64decode(state)
                    case ("window",):
                        _show_window(plugin, effect, control)
    _end()


def _end() -> None:
    """End the process, its window too, without the plug-in's own clean-up, in which many of them crash."""
    os._exit(0)


def _silence() -> None:
    """Discard what plug-ins print."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)


def _set(plugin: Any, values: Mapping[str, float]) -> None:  # noqa: ANN401
    for name, value in values.items():
        if name in plugin.parameters:
            plugin.parameters[name].raw_value = min(max(value, 0.0), 1.0)


def _try(plugin: Any, rate: int) -> PluginReport:  # noqa: ANN401
    """Send an impulse through, once; raises what the plug-in raises."""
    if not plugin.is_effect:
        raise ValueError("it is an instrument, not an effect")
    impulse = np.zeros((1, rate // 2), np.float32)
    impulse[0, 0] = 0.5
    for channels in (1, 2):
        try:
            result = plugin.process(np.repeat(impulse, channels, axis=0), rate, STEP, True)
            break
        except ValueError:
            if channels == 2:
                raise
    heard = np.abs(result).max(axis=0)
    if not np.isfinite(heard).all():
        raise ValueError("it returns NaN or infinite samples")
    loud = np.flatnonzero(heard > max(0.05 * heard.max(), 1e-5))
    parameters = tuple(
        (name, str(parameter.name), float(parameter.raw_value)) for name, parameter in plugin.parameters.items()
    )
    plugin.reset()
    onset = int(loud[0]) if len(loud) else None
    return PluginReport(channels, int(plugin.reported_latency_samples), onset, parameters, rate)


def process_audio(
    plugin: Any,  # noqa: ANN401
    report: PluginReport,
    audio: Connection,
    reset: Callable[[], None],
    hurry: Hurry | None,
) -> None:
    """Answer each block with one as long, late by the reported latency, until the pipe is closed.

    `reset` silences the plug-in's tails. pedalboard takes the latency off the start of the stream, and `ready` gives
    it back. A plug-in that changes it later delays the sound itself.
    """
    ready = np.zeros(report.latency, np.float32)
    answered: Callable[[], None] = (lambda: None) if hurry is None else hurry()
    with suppress(EOFError, OSError):
        while True:
            message = audio.recv_bytes()
            if message == b"reset":
                reset()
                ready = np.zeros(plugin.reported_latency_samples, np.float32)
                continue
            number, _ = HEAD.unpack_from(message)
            block = np.repeat(np.frombuffer(message, np.float32, offset=HEAD.size)[None], report.channels, axis=0)
            parts = [
                plugin.process(block[:, start : start + STEP], report.rate, STEP, False)
                for start in range(0, block.shape[1], STEP)
            ]
            ready = np.concatenate([ready, *(part.mean(axis=0) for part in parts)]).astype(np.float32)
            length = block.shape[1]
            answer = np.zeros(length, np.float32)
            answer[: min(length, len(ready))] = np.nan_to_num(ready[:length])
            ready = ready[length:]
            audio.send_bytes(HEAD.pack(number, plugin.reported_latency_samples) + answer.tobytes())
            answered()


def _show_window(plugin: Any, effect: PluginEffect, control: Connection) -> None:  # noqa: ANN401
    """Show the window; send the effect whenever its values change, and at the end what became of the window."""
    closed = threading.Event()

    def watch() -> None:
        before: PluginEffect | None = None
        while True:
            ended = closed.wait(WATCH_SECONDS)
            values = tuple((name, float(one.raw_value)) for name, one in plugin.parameters.items())
            now = replace(effect, parameters=values, state=base64.b64encode(plugin.raw_state).decode())
            if now != before and before is not None:
                control.send(now)
            before = now
            if ended:
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        plugin.show_editor()
    except Exception as error:
        control.send(" ".join(str(error).split())[:300].rstrip("."))
        return
    finally:
        closed.set()
        watcher.join()
    control.send("closed")
