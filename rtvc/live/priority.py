"""Real-time scheduling for the worker, so that a game at full load does not make it miss its deadlines.

Linux grants it where RLIMIT_RTPRIO allows, or by RealtimeKit over D-Bus as for PulseAudio and PipeWire; Windows by
the Multimedia Class Scheduler ("Pro Audio"); macOS by the time-constraint policy. None needs root. Where it is
refused, audio continues at normal priority, and `Grant.how` says why.

Everything here runs on the worker, for the worker itself. A thread that must never wait can also starve the machine,
so Linux kills a process whose real-time thread computes for RLIMIT_RTTIME (200 ms) without once sleeping. `Urgency`
keeps far from that: it asks only where a step takes at most 50 ms, sleeps between steps that leave no time to wait,
and gives the priority up for good after one step that ran longer.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

REALTIME_PRIORITY = 10
"""Below PipeWire's 88 and the kernel's own 50: sound servers and drivers go first."""

LONGEST_STEP_SECONDS = 0.05
RUNTIME_LIMIT_MICROSECONDS = 200_000
"""RealtimeKit's own limit of what a real-time thread may compute without sleeping."""

BREATH_SECONDS = 0.0001
BUS_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Grant:
    """What the system granted: whether the thread is real-time, and in words how, or why not."""

    realtime: bool
    how: str


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Why a way to real-time scheduling is closed."""


class Urgency:
    """Real-time scheduling of the thread that makes this object, as long as its steps stay short.

    Attributes
    ----------
    grant
        What was granted; may be read from any thread.
    """

    def __init__(self, step_seconds: float) -> None:
        """Ask for real-time scheduling; `step_seconds` is what a step takes in the warm-up."""
        self._thread = threading.get_native_id()
        self._slept = time.monotonic()
        if step_seconds > LONGEST_STEP_SECONDS:
            self.grant = Grant(
                False, f"ordinary priority: a step takes {1000 * step_seconds:.0f} ms, too long for more"
            )
        else:
            self.grant = _ask(self._thread)

    def stepped(self, seconds: float) -> None:
        """Note that a step has taken `seconds`; sleep a moment if steps have followed each other without a wait."""
        if not self.grant.realtime:
            return
        if seconds > LONGEST_STEP_SECONDS:
            self.give_up(f"ordinary priority: a step took {1000 * seconds:.0f} ms")
        elif time.monotonic() - self._slept > LONGEST_STEP_SECONDS:
            time.sleep(BREATH_SECONDS)
            self._slept = time.monotonic()

    def give_up(self, why: str = "ordinary priority") -> None:
        """Return to ordinary scheduling."""
        if self.grant.realtime:
            self.grant = Grant(False, why)
            _return(self._thread)


def probe() -> Grant:
    """Return what a worker would be granted, by asking from a thread that ends at once."""
    granted: list[Grant] = []
    thread = threading.Thread(target=lambda: granted.append(Urgency(0.0).grant))
    thread.start()
    thread.join()
    return granted[0]


def _ask(thread: int) -> Grant:
    ways = {"linux": _ask_linux, "win32": _ask_windows, "darwin": _ask_macos}
    if sys.platform not in ways:
        return Grant(False, f"ordinary priority: no way to more is known on {sys.platform}")
    try:
        return Grant(True, ways[sys.platform](thread))
    except Refused as refusal:
        return Grant(False, f"ordinary priority: {refusal}")


def _return(thread: int) -> None:
    system: str = sys.platform
    if system == "linux":
        with suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
    elif system == "win32":
        kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        kernel.SetThreadPriority(kernel.GetCurrentThread(), 0)
    elif system == "darwin":
        _set_macos_policy(1, (ctypes.c_uint32 * 1)(1))  # THREAD_STANDARD_POLICY, timeshare


def _ask_linux(thread: int) -> str:
    _limit_runtime()
    try:
        os.sched_setscheduler(
            thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(_allowed_priority() or REALTIME_PRIORITY)
        )
    except OSError:
        return _ask_realtimekit(thread)
    return f"real-time priority {os.sched_getparam(thread).sched_priority}"


def _allowed_priority() -> int:
    """Return the priority that RLIMIT_RTPRIO allows, at most `REALTIME_PRIORITY`."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    return REALTIME_PRIORITY if soft == resource.RLIM_INFINITY else min(soft, REALTIME_PRIORITY)


def _limit_runtime() -> None:
    """Let the kernel end this process if a real-time thread of it never sleeps; RealtimeKit insists on that."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    most = RUNTIME_LIMIT_MICROSECONDS if hard == resource.RLIM_INFINITY else min(hard, RUNTIME_LIMIT_MICROSECONDS)
    resource.setrlimit(resource.RLIMIT_RTTIME, (most, most))


def _ask_realtimekit(thread: int) -> str:
    """Ask RealtimeKit on the system bus."""
    from jeepney import DBusAddress, MessageType, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    kit = DBusAddress("/org/freedesktop/RealtimeKit1", "org.freedesktop.RealtimeKit1", "org.freedesktop.RealtimeKit1")
    call = new_method_call(
        kit, "MakeThreadRealtimeWithPID", "ttu", (os.getpid(), thread, _allowed_priority() or REALTIME_PRIORITY)
    )
    try:
        with open_dbus_connection(bus="SYSTEM") as bus:
            reply = bus.send_and_get_reply(call, timeout=BUS_TIMEOUT_SECONDS)
    except (OSError, KeyError, ValueError, TimeoutError) as error:
        raise Refused(f"no system bus answers ({type(error).__name__})") from None
    if reply.header.message_type is MessageType.error:
        reason = reply.body[0] if reply.body else "no reason given"
        raise Refused(f"RealtimeKit refuses ({reason})")
    return f"real-time priority {REALTIME_PRIORITY} by RealtimeKit"


def _ask_windows(thread: int) -> str:
    """Join the Multimedia Class Scheduler's class "Pro Audio"."""
    index = ctypes.c_uint32(0)
    scheduler = ctypes.WinDLL("avrt")  # type: ignore[attr-defined]
    handle = scheduler.AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(index))
    if not handle:
        raise Refused("the Multimedia Class Scheduler refuses")
    return 'the Multimedia Class Scheduler\'s class "Pro Audio"'


def _ask_macos(thread: int) -> str:
    """Take the time-constraint policy: 5 ms of computing in each 20 ms."""
    system = ctypes.CDLL("/usr/lib/libSystem.dylib")

    class Timebase(ctypes.Structure):
        _fields_ = (("numerator", ctypes.c_uint32), ("denominator", ctypes.c_uint32))

    timebase = Timebase()
    system.mach_timebase_info(ctypes.byref(timebase))
    ticks = [round(milliseconds * 1e6 * timebase.denominator / timebase.numerator) for milliseconds in (20, 5, 20)]
    refusal = _set_macos_policy(2, (ctypes.c_uint32 * 4)(*ticks, 1))  # THREAD_TIME_CONSTRAINT_POLICY
    if refusal:
        raise Refused(f"macOS refuses the time-constraint policy (error {refusal})")
    return "the time-constraint policy"


def _set_macos_policy(flavour: int, values: ctypes.Array[ctypes.c_uint32]) -> int:
    system = ctypes.CDLL("/usr/lib/libSystem.dylib")
    return int(system.thread_policy_set(system.mach_thread_self(), flavour, values, len(values)))
