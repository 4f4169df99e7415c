"""A VST3 or Audio Unit plug-in of the user's, in a process of its own: its crash or stall does not stop the voice.

In the plug-in's process, the main thread loads it and shows its window, as pedalboard demands; a second thread
processes audio. In rtvc's process, a `PluginHost` is made on any thread but the worker, since that takes seconds;
`process` belongs to the thread that processes blocks, and waits for the other process half a block at most when live.
"""

from __future__ import annotations

import base64
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

RATE = 48_000
"""Plug-ins run at 48 kHz whatever the pack's rate: many of them have filters that are unstable at 16 kHz."""

STEP = 960
"""Samples per call of a plug-in: its largest block."""

LOAD_SECONDS = 20.0
PATIENCE_SECONDS = 10.0
"""How long a file may wait for one block."""

LATE_BLOCKS = 10
LATE_WITHIN = 100
"""Live, a plug-in is switched off once this many of so many blocks came late; a late block is heard without it."""

TOLERANCE = 48
"""Samples (1 ms) by which an impulse may come out beside the latency that a plug-in reports."""

WATCH_SECONDS = 0.25


@dataclass(frozen=True)
class PluginEffect:
    """A plug-in in a rack.

    Attributes
    ----------
    plugin
        Its name: that of its file, without the suffix. Only plug-ins in the system's folders for them are used.
    parameters
        Name and value, 0 … 1, of each parameter that was set, after `state`.
    state
        All of its state, as base64 text; empty for the state it starts with.
    active
        Whether it is heard.
    """

    plugin: str
    parameters: tuple[tuple[str, float], ...] = ()
    state: str = ""
    active: bool = True

    @property
    def kind(self) -> str:
        """What tells this effect from those of another kind."""
        return f"plugin {self.plugin}"

    def with_values(self, values: Mapping[str, float]) -> PluginEffect:
        """Return the effect with other values of some parameters."""
        return replace(self, parameters=tuple({**dict(self.parameters), **values}.items()))


@dataclass(frozen=True)
class PluginReport:
    """What a plug-in told when it was loaded and tried.

    Attributes
    ----------
    channels
        Channels that it takes: 1 or 2.
    latency
        Its latency in samples at 48 kHz, as reported.
    onset
        Samples after which an impulse came out once that latency was taken off; None if nothing came out.
    parameters
        Name, words and value, 0 … 1, of each parameter.
    """

    channels: int
    latency: int
    onset: int | None
    parameters: tuple[tuple[str, str, float], ...]

    def warning(self, plugin: str) -> str:
        """Return a sentence if the latency that the plug-in reports is not the one that was heard; else nothing."""
        if self.onset is None or abs(self.onset) <= TOLERANCE:
            return ""
        told, heard = (1000 * samples / RATE for samples in (self.latency, self.latency + self.onset))
        return (
            f"The plug-in {plugin} reports a delay of {told:.0f} ms, but an impulse came out after {heard:.0f} ms: "
            "the delay shown may be wrong by the difference."
        )


def installed_plugins() -> dict[str, Path]:
    """Return the plug-ins in the system's folders by name; none if pedalboard is not installed."""
    try:
        import pedalboard
    except ImportError:
        return {}
    found: list[str] = []
    for kind in ("AudioUnitPlugin", "VST3Plugin"):
        if (plugin := getattr(pedalboard, kind, None)) is not None:
            found += plugin.installed_plugins
    return {Path(path).stem: Path(path) for path in sorted(found)}


def find_plugin(name: str) -> Path:
    """Return the path of an installed plug-in; raise `RtvcError` if there is none of this name."""
    plugins = installed_plugins()
    if name not in plugins:
        alike = "".join(f" Did you mean {other}?" for other in get_close_matches(name, plugins, 1))
        raise RtvcError(
            f"There is no plug-in {name!r} in the system's folders for VST3 and Audio Units: install it, or choose "
            f"another with `rtvc effects plugins`.{alike}"
        )
    return plugins[name]


class PluginHost:
    """One plug-in in its process.

    Parameters
    ----------
    effect
        The plug-in with its values.
    live
        Whether to wait for it no longer than half a block, and to switch it off if it is late too often.

    Attributes
    ----------
    report
        What it told when it was tried.
    problem
        Why it was switched off; empty while it is heard.

    Raises
    ------
    RtvcError
        If there is no such plug-in, or it cannot be loaded, crashes, or takes longer than 20 s.
    """

    def __init__(self, effect: PluginEffect, live: bool = False) -> None:
        path = find_plugin(effect.plugin)
        self.name = effect.plugin
        self.problem = ""
        self._live = live
        self._values: dict[str, float] = dict(effect.parameters)
        self._late: list[int] = []
        self._blocks = 0
        self._sent = 0
        context = multiprocessing.get_context("spawn")
        self._audio, audio = context.Pipe()
        self._control, control = context.Pipe()
        self._process = context.Process(target=_host, args=(str(path), effect, audio, control), daemon=True)
        self._process.start()
        audio.close()
        control.close()
        try:
            answer = self._control.recv() if self._control.poll(LOAD_SECONDS) else "it did not answer within 20 s"
        except (EOFError, OSError):
            answer = "it crashed when it was loaded"
        if isinstance(answer, str):
            self.close()
            raise RtvcError(f"The plug-in {effect.plugin} cannot be used: {answer}.")
        self.report: PluginReport = answer

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if not hasattr(self, "_process"):
            return
        with suppress(OSError, ValueError):
            self._audio.close()
            self._control.close()
        if self._process.is_alive():
            self._process.kill()

    def set_values(self, effect: PluginEffect) -> None:
        """Send the parameters that have changed."""
        changed = {name: value for name, value in effect.parameters if self._values.get(name) != value}
        if changed and not self.problem:
            self._values.update(changed)
            self._send(self._control, ("set", changed))

    def reset(self) -> None:
        """Silence its tails."""
        if not self.problem:
            self._send(self._audio, b"reset")

    def process(self, block: Block) -> Block | None:
        """Return audio `[n]` at 48 kHz, late by its latency; None where it was late or is switched off."""
        if self.problem:
            return None
        self._sent += 1
        self._blocks += 1
        self._send(self._audio, self._sent.to_bytes(8, "little") + np.ascontiguousarray(block, np.float32).tobytes())
        until = time.monotonic() + (len(block) / RATE / 2 if self._live else PATIENCE_SECONDS)
        try:
            while not self.problem and self._audio.poll(max(0.0, until - time.monotonic())):
                answer = self._audio.recv_bytes()
                if int.from_bytes(answer[:8], "little") == self._sent:
                    return np.frombuffer(answer[8:], np.float32)
        except (EOFError, OSError):
            self.problem = f"The plug-in {self.name} has crashed and is switched off: choose it again to restart it."
        self._count_late()
        return None

    def show_window(self, changed: Callable[[PluginEffect | None], None]) -> None:
        """Show its own window until that is closed; blocks.

        `changed` is called four times a second, with the effect if its values have changed since. An exception that
        it raises ends the wait. Raises `RtvcError` if the plug-in has no window, or crashes.
        """
        self._send(self._control, ("window",))
        try:
            while True:
                answer = self._control.recv() if self._control.poll(WATCH_SECONDS) else None
                if answer == "closed":
                    return
                if isinstance(answer, str):
                    raise RtvcError(f"The plug-in {self.name} shows no window: {answer}.")
                changed(answer)
        except (EOFError, OSError):
            raise RtvcError(f"The plug-in {self.name} has crashed.") from None

    def _send(self, pipe: Connection, message: Any) -> None:  # noqa: ANN401 - bytes or a tuple
        try:
            pipe.send_bytes(message) if isinstance(message, bytes) else pipe.send(message)
        except (OSError, ValueError):
            self.problem = f"The plug-in {self.name} has crashed and is switched off: choose it again to restart it."

    def _count_late(self) -> None:
        self._late = [block for block in (*self._late, self._blocks) if block > self._blocks - LATE_WITHIN]
        if not self.problem and (not self._live or len(self._late) >= LATE_BLOCKS):
            self.problem = f"The plug-in {self.name} is too slow and is switched off: choose it again to restart it."


def _host(path: str, effect: PluginEffect, audio: Connection, control: Connection) -> None:
    """Run the plug-in's process until its pipes are closed."""
    _silence()
    import pedalboard

    try:
        plugin: Any = pedalboard.load_plugin(path)  # type: ignore[attr-defined]
        if effect.state:
            plugin.raw_state = base64.b64decode(effect.state)
        _set(plugin, dict(effect.parameters))
        report = _try(plugin)
    except Exception as error:
        control.send(" ".join(str(error).split())[:300].rstrip(".") or repr(error))
        return
    control.send(report)
    resets: queue.SimpleQueue[threading.Event] = queue.SimpleQueue()
    threading.Thread(target=_process_audio, args=(plugin, report, audio, resets), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            if control.poll(0.02):
                match control.recv():
                    case ("set", values):
                        _set(plugin, values)
                    case ("window",):
                        _show_window(plugin, effect, control)
            while not resets.empty():
                plugin.reset()
                resets.get().set()
    os._exit(0)  # Without the plug-in's own clean-up, in which many of them crash.


def _silence() -> None:
    """Discard what plug-ins print."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)


def _set(plugin: Any, values: Mapping[str, float]) -> None:  # noqa: ANN401
    for name, value in values.items():
        if name in plugin.parameters:
            plugin.parameters[name].raw_value = min(max(value, 0.0), 1.0)


def _try(plugin: Any) -> PluginReport:  # noqa: ANN401
    """Send an impulse through, once; raises what the plug-in raises."""
    if not plugin.is_effect:
        raise ValueError("it is an instrument, not an effect")
    impulse = np.zeros((1, RATE // 2), np.float32)
    impulse[0, 0] = 0.5
    for channels in (1, 2):
        try:
            result = plugin.process(np.repeat(impulse, channels, axis=0), RATE, STEP, True)
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
    return PluginReport(
        channels, int(plugin.reported_latency_samples), int(loud[0]) if len(loud) else None, parameters
    )


def _process_audio(
    plugin: Any,  # noqa: ANN401
    report: PluginReport,
    audio: Connection,
    resets: queue.SimpleQueue[threading.Event],
) -> None:
    """Answer each block with one as long, late by the reported latency, until the pipe is closed."""
    ready = np.zeros(report.latency, np.float32)
    with suppress(EOFError, OSError):
        while True:
            message = audio.recv_bytes()
            if message == b"reset":
                done = threading.Event()
                resets.put(done)
                done.wait(1.0)
                ready = np.zeros(report.latency, np.float32)
                continue
            block = np.repeat(np.frombuffer(message[8:], np.float32)[None], report.channels, axis=0)
            # pedalboard takes the reported latency off the start of the stream: `ready` gives it back.
            parts = [
                plugin.process(block[:, start : start + STEP], RATE, STEP, False)
                for start in range(0, block.shape[1], STEP)
            ]
            ready = np.concatenate([ready, *(part.mean(axis=0) for part in parts)]).astype(np.float32)
            length = block.shape[1]
            answer = np.zeros(length, np.float32)
            answer[: min(length, len(ready))] = np.nan_to_num(ready[:length])
            ready = ready[length:]
            audio.send_bytes(message[:8] + answer.tobytes())


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
