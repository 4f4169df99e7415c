"""A plug-in of the user's in a process of its own: its crash or stall does not stop the voice.

A `PluginHost` is made on any thread but the worker, since that takes seconds. `process` belongs to the thread that
processes blocks; live, it waits for the other process half a block at most.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from rtvc.dsp.plugin_process import HEAD, WATCH_SECONDS, Hurry, run
from rtvc.dsp.plugins import USUAL_RATE, PluginEffect, PluginReport, find_plugin
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

LOAD_SECONDS = 30.0
PATIENCE_SECONDS = 10.0
"""How long a file may wait for one block."""

LATE_BLOCKS = 10
LATE_WITHIN = 100
"""Live, a plug-in is switched off once this many of so many blocks came late; a late block is heard without it."""


class PluginHost:
    """One plug-in in its process.

    Parameters
    ----------
    effect
        The plug-in with its values.
    rate
        Sample rate in Hz.
    live
        Whether to wait for it no longer than half a block, and to switch it off if it is late too often.
    hurry
        Called by the thread of its process that answers blocks.

    Attributes
    ----------
    rate, report
        The sample rate in Hz, and what it told when it was tried.
    latency
        Its latency in samples, as it reported it last.
    problem
        Why it was switched off; empty while it is heard.

    Raises
    ------
    RtvcError
        If there is no such plug-in, or it cannot be loaded, crashes, or takes longer than 30 s.
    """

    def __init__(
        self, effect: PluginEffect, rate: int = USUAL_RATE, live: bool = False, hurry: Hurry | None = None
    ) -> None:
        path = find_plugin(effect.plugin)
        self.name = effect.plugin
        self.rate = rate
        self.problem = ""
        self._live = live
        self._values: dict[str, float] = dict(effect.parameters)
        self._state = effect.state
        self._late: list[int] = []
        self._blocks = 0
        self._sent = 0
        context = multiprocessing.get_context("spawn")
        self._audio, audio = context.Pipe()
        self._control, control = context.Pipe()
        self._process = context.Process(
            target=run, args=(str(path), effect, rate, audio, control, hurry), daemon=True
        )
        self._process.start()
        audio.close()
        control.close()
        try:
            answer = (
                self._control.recv()
                if self._control.poll(LOAD_SECONDS)
                else f"it did not answer within {LOAD_SECONDS:.0f} s"
            )
        except (EOFError, OSError):
            answer = "it crashed when it was loaded"
        if isinstance(answer, str):
            self.close()
            raise RtvcError(f"The plug-in {effect.plugin} cannot be used: {answer}.")
        self.report: PluginReport = answer
        self.latency = self.report.latency

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
        """Send the parameters that have changed, or else the state if that has."""
        changed = {name: value for name, value in effect.parameters if self._values.get(name) != value}
        if self.problem or (not changed and effect.state == self._state):
            return
        self._values.update(changed)
        self._send(self._control.send, ("set", changed) if changed else ("state", effect.state))
        self._state = effect.state

    def reset(self) -> None:
        """Silence its tails."""
        if not self.problem:
            self._send(self._audio.send_bytes, b"reset")

    def process(self, block: Block) -> Block | None:
        """Return audio `[n]`, late by its latency; None where it was late or is switched off."""
        if self.problem:
            return None
        self._sent += 1
        self._blocks += 1
        sound = np.ascontiguousarray(block, np.float32).tobytes()
        self._send(self._audio.send_bytes, HEAD.pack(self._sent, 0) + sound)
        until = time.monotonic() + (len(block) / self.rate / 2 if self._live else PATIENCE_SECONDS)
        try:
            while not self.problem and self._audio.poll(max(0.0, until - time.monotonic())):
                answer = self._audio.recv_bytes()
                number, self.latency = HEAD.unpack_from(answer)
                if number == self._sent:
                    return np.frombuffer(answer, np.float32, offset=HEAD.size)
        except (EOFError, OSError):
            self.problem = (
                f"The plug-in {self.name} crashed and is bypassed. To restart it, switch it off and on again."
            )
        self._count_late()
        return None

    def show_window(self, changed: Callable[[PluginEffect | None], None]) -> None:
        """Show its own window until that is closed; blocks.

        `changed` is called four times a second, with the effect if its values have changed since. An exception that
        it raises ends the wait. Raises `RtvcError` if the plug-in has no window, or crashes.
        """
        self._send(self._control.send, ("window",))
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

    def _send(self, send: Callable[[Any], None], message: Any) -> None:  # noqa: ANN401 - what either pipe takes
        try:
            send(message)
        except (OSError, ValueError):
            self.problem = (
                f"The plug-in {self.name} crashed and is bypassed. To restart it, switch it off and on again."
            )

    def _count_late(self) -> None:
        self._late = [block for block in (*self._late, self._blocks) if block > self._blocks - LATE_WITHIN]
        if not self.problem and (not self._live or len(self._late) >= LATE_BLOCKS):
            self.problem = (
                f"The plug-in {self.name} is too slow and is bypassed. To restart it, switch it off and on again."
            )
