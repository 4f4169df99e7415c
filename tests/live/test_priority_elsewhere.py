"""Real-time scheduling on Windows and macOS, with stand-ins for their libraries."""

import ctypes
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from rtvc.live.priority import Urgency


class Function:
    """A function of a C library that notes its arguments and returns what it is told to."""

    restype: type | None = None

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> int:  # noqa: ANN401
        self.calls.append(arguments)
        return self.answer


class Avrt:
    """Windows' library of the Multimedia Class Scheduler."""

    def __init__(self, handle: int) -> None:
        self.AvSetMmThreadCharacteristicsW = Function(handle)
        self.AvRevertMmThreadCharacteristics = Function(1)


class LibSystem:
    """macOS' C library, on Apple silicon: 24 ticks a microsecond."""

    def __init__(self, error: int) -> None:
        self.thread_policy_set = Function(error)
        self.mach_thread_self = Function(7)

    def mach_timebase_info(self, reference: Any) -> None:  # noqa: ANN401
        """Fill in the length of a tick in nanoseconds."""
        reference._obj.numerator, reference._obj.denominator = 125, 3


HANDLE = 0x1_0000_0002
"""Wider than C's int, as ctypes would cut it by default."""


def windows(monkeypatch: pytest.MonkeyPatch, handle: int) -> Avrt:
    avrt = Avrt(handle)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: avrt)
    return avrt


def macos(monkeypatch: pytest.MonkeyPatch, error: int) -> LibSystem:
    system = LibSystem(error)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: system)
    return system


def test_windows_grants_its_class_for_sound_and_takes_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    avrt = windows(monkeypatch, HANDLE)
    urgency = Urgency(step_seconds=0.004)
    granted = urgency.grant
    assert granted.realtime
    join, leave = avrt.AvSetMmThreadCharacteristicsW, avrt.AvRevertMmThreadCharacteristics
    assert join.calls[0][0] == "Pro Audio"
    assert join.restype is ctypes.c_void_p
    monkeypatch.setattr(time, "thread_time", lambda: 1e9)
    urgency.stepped()
    urgency.give_up()
    assert not urgency.grant.realtime
    assert [handle.value for (handle,) in leave.calls] == [HANDLE]


def test_macos_is_asked_in_ticks_and_goes_back_to_the_standard_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    system = macos(monkeypatch, error=0)
    urgency = Urgency(step_seconds=0.004)
    assert urgency.grant.realtime
    urgency.give_up()
    (thread, flavour, values, count), (_, standard, _, _) = system.thread_policy_set.calls
    assert (thread, flavour, count, standard) == (7, 2, 4, 1)
    assert list(values) == [480_000, 120_000, 480_000, 1]


@pytest.mark.parametrize(
    ("refusing", "reason"),
    [
        (lambda monkeypatch: windows(monkeypatch, 0), "the Multimedia Class Scheduler refuses"),
        (lambda monkeypatch: macos(monkeypatch, 46), "the time-constraint policy (error 46)"),
        (
            lambda monkeypatch: monkeypatch.setattr(sys, "platform", "freebsd14"),
            "no way to more is known",
        ),
    ],
)
def test_a_refusal_is_told_and_nothing_is_given_back(
    refusing: Callable[[pytest.MonkeyPatch], object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch)
    urgency = Urgency(step_seconds=0.004)
    assert not urgency.grant.realtime
    assert reason in urgency.grant.how
    urgency.give_up()
