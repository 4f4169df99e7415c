"""Real-time scheduling: granted, refused in every way, and given up. The system bus and RealtimeKit are stand-ins."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("RealtimeKit exists on Linux only", allow_module_level=True)

from jeepney import HeaderFields, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from rtvc.live import priority
from rtvc.live.priority import LONGEST_STEP_SECONDS, Urgency


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """A system that grants nothing by itself; returns the calls that ask the scheduler."""
    calls: list[tuple[int, int, int]] = []

    def refuse(thread: int, policy: int, parameter: os.sched_param) -> None:
        calls.append((thread, policy, parameter.sched_priority))
        if policy & os.SCHED_RR:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: None)
    return calls


class FakeRealtimeKit:
    """Answers one request on a bus of its own, and keeps what it was asked."""

    def __init__(self, address: str, refusal: str | None) -> None:
        self.asked: tuple[int, int, int] | None = None
        self._refusal = refusal
        self._bus = open_dbus_connection(bus=address)
        self._bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.RealtimeKit1"))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            message = self._bus.receive()
            if message.header.fields.get(HeaderFields.member) != "MakeThreadRealtimeWithPID":
                continue
            self.asked = message.body
            if self._refusal is None:
                self._bus.send(new_method_return(message))
            else:
                name = "org.freedesktop.DBus.Error.AccessDenied"
                self._bus.send(new_error(message, name, "s", (self._refusal,)))
            return


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("needs the program 'dbus-daemon' (apt install dbus)")
    address = f"unix:path={tmp_path}/bus"
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", address, "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address
        daemon.kill()


def test_realtimekit_is_asked_for_this_thread_and_grants(bus: str, unprivileged: list[tuple[int, int, int]]) -> None:
    kit = FakeRealtimeKit(bus, refusal=None)
    urgency = Urgency(step_seconds=0.004)
    assert urgency.grant.realtime
    assert "RealtimeKit" in urgency.grant.how
    assert kit.asked == (os.getpid(), threading.get_native_id(), priority.Rank.WORKER)


def test_a_refusal_of_realtimekit_is_told(bus: str, unprivileged: list[tuple[int, int, int]]) -> None:
    FakeRealtimeKit(bus, refusal="not authorised")
    grant = Urgency(step_seconds=0.004).grant
    assert not grant.realtime
    assert grant.how == "ordinary priority: RealtimeKit refuses (not authorised)"


def test_without_realtimekit_or_a_bus_sound_goes_on(
    bus: str, unprivileged: list[tuple[int, int, int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "RealtimeKit refuses" in Urgency(step_seconds=0.004).grant.how
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    assert "no system bus answers" in Urgency(step_seconds=0.004).grant.how


def test_slow_steps_are_never_made_realtime(unprivileged: list[tuple[int, int, int]]) -> None:
    assert not Urgency(step_seconds=2 * LONGEST_STEP_SECONDS).grant.realtime
    assert unprivileged == []


def test_one_step_that_runs_away_ends_it_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    computed = 1.0
    monkeypatch.setattr(os, "sched_setscheduler", lambda thread, policy, parameter: calls.append(policy))
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: None)
    monkeypatch.setattr(time, "thread_time", lambda: computed)
    urgency = Urgency(step_seconds=0.004)

    def step(seconds: float) -> None:
        nonlocal computed
        computed += seconds
        urgency.stepped()

    assert calls == [os.SCHED_RR | os.SCHED_RESET_ON_FORK]
    step(0.01)
    assert len(calls) == 1
    step(2 * LONGEST_STEP_SECONDS)
    assert not urgency.grant.realtime
    assert "100 ms" in urgency.grant.how
    step(0.01)
    # Without the flag an ordinary user's request would be refused.
    assert calls == [os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK]


def test_steps_without_a_pause_sleep_long_before_the_kernel_would_end_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", lambda thread, policy, parameter: None)
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: None)
    now = 0.0
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(now))
    urgency = Urgency(step_seconds=0.02)
    for _ in range(100):
        now += 0.02
        urgency.stepped()
    gaps = [later - earlier for earlier, later in zip([0.0, *slept], slept, strict=False)]
    assert max(gaps) < priority.RUNTIME_LIMIT_MICROSECONDS / 1e6 / 2


def test_asking_for_doctor_leaves_the_caller_as_it_was(bus: str, unprivileged: list[tuple[int, int, int]]) -> None:
    kit = FakeRealtimeKit(bus, refusal=None)
    assert priority.probe().realtime
    assert kit.asked is not None
    assert kit.asked[1] != threading.get_native_id()
