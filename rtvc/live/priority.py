"""Real-time scheduling for the threads that sound depends on, so that a game at full load makes none of them late.

Linux grants it where RLIMIT_RTPRIO allows, or by RealtimeKit over D-Bus as for PulseAudio and PipeWire; Windows by
the Multimedia Class Scheduler ("Pro Audio"); macOS by the time-constraint policy. None needs root. Where it is
refused, audio continues at normal priority, and `Grant.how` says why.

Each thread asks for itself, with `Urgency`: the worker, and every thread of the engine that computes in Python. The
interpreter runs one thread at a time, so an ordinary thread that holds it while a game has the processor holds up the
worker too. Beside a load like a game's, refits of the map at ordinary priority made steps wait for up to 67 ms; as
real-time work they made none wait (docs/benchmarks.md). On Linux the engine asks for the threads of its audio streams
as well, by `hurry`; Windows and macOS give theirs the priority by themselves.

A thread that must never wait can also starve the machine, so Linux kills a process whose real-time thread computes
for RLIMIT_RTTIME (200 ms) without once sleeping. `Urgency` keeps far from that: it asks only where a step takes at
most 50 ms, sleeps between steps that leave no time to wait, and gives the priority up for good after one step that
computed for longer.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """Linux's real-time priorities. PipeWire has 88 and drivers 50: they go first."""

    FITTER = 9
    WORKER = 10
    STREAM = 11


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


Granted = tuple[str, Callable[[], object]]
"""How the system granted it, in words, and what gives it back; called by the thread that asked."""


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Why a way to real-time scheduling is closed."""


class Urgency:
    """Real-time scheduling of the thread that makes this object, as long as its steps stay short.

    Attributes
    ----------
    grant
        What was granted; may be read from any thread.
    """

    def __init__(self, step_seconds: float, rank: Rank = Rank.WORKER) -> None:
        """Ask for real-time scheduling; `step_seconds` is the processor's time that a step takes."""
        self._rank = rank
        self._give_back: Callable[[], object] | None = None
        self._slept = time.monotonic()
        self._computed = time.thread_time()
        if step_seconds > LONGEST_STEP_SECONDS:
            self.grant = Grant(
                False, f"ordinary priority: a step of {1000 * step_seconds:.0f} ms is too long for real-time priority"
            )
        else:
            self._ask()

    def stepped(self) -> None:
        """Note that a step has ended; sleep a moment if steps have followed each other without a wait.

        What counts is the processor's time. A step also waits, for another thread that holds the interpreter's lock
        or for the disk: 96 ms once beside a game's load, which is no reason to become slower still.
        """
        if not self.grant.realtime:
            return
        seconds = time.thread_time() - self._computed
        self._computed += seconds
        if seconds > LONGEST_STEP_SECONDS:
            self.give_up(f"ordinary priority: a step took {1000 * seconds:.0f} ms of computing")
        elif time.monotonic() - self._slept > LONGEST_STEP_SECONDS:
            time.sleep(BREATH_SECONDS)
            self._slept = time.monotonic()

    def give_up(self, why: str = "ordinary priority") -> None:
        """Return to ordinary scheduling."""
        if self._give_back is not None:
            self.grant = Grant(False, why)
            with suppress(OSError):
                self._give_back()
            self._give_back = None

    def _ask(self) -> None:
        ways = {"linux": lambda: _ask_linux(self._rank), "win32": _ask_windows, "darwin": _ask_macos}
        if sys.platform not in ways:
            self.grant = Grant(False, f"ordinary priority: no way to more is known on {sys.platform}")
            return
        try:
            how, self._give_back = ways[sys.platform]()
        except Refused as refusal:
            self.grant = Grant(False, f"ordinary priority: {refusal}")
        else:
            self.grant = Grant(True, how)


def hurried() -> Callable[[], None]:
    """Ask for real-time scheduling of the calling thread; return what it calls after each step."""
    return Urgency(0.0).stepped


def probe() -> Grant:
    """Return what a worker would be granted, by asking from a thread that ends at once."""
    granted: list[Grant] = []
    thread = threading.Thread(target=lambda: granted.append(Urgency(0.0).grant))
    thread.start()
    thread.join()
    return granted[0]


def hurry(threads: Iterable[int]) -> None:
    """Ask for real-time scheduling of an audio stream's threads, by native id, on Linux; a refusal changes nothing.

    They wait for their device and copy, so none of them computes for long.
    """
    for thread in threads if sys.platform == "linux" else ():
        with suppress(Refused):
            _schedule(thread, Rank.STREAM)


def _ask_linux(rank: Rank) -> Granted:
    if sys.platform != "linux":
        raise Refused("not Linux")
    thread = threading.get_native_id()
    how = _schedule(thread, rank)
    # Only root may clear SCHED_RESET_ON_FORK: a request without it would be refused, and the thread stay real-time.
    ordinary = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
    return how, lambda: os.sched_setscheduler(thread, ordinary, os.sched_param(0))


def _schedule(thread: int, rank: Rank) -> str:
    """Make a thread of this process real-time and return how; raise `Refused` if nothing grants it."""
    if sys.platform != "linux":
        raise Refused("not Linux")
    import resource

    # Let the kernel end this process if a real-time thread of it never sleeps; RealtimeKit insists on that.
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    longest = RUNTIME_LIMIT_MICROSECONDS if hard == resource.RLIM_INFINITY else min(hard, RUNTIME_LIMIT_MICROSECONDS)
    resource.setrlimit(resource.RLIMIT_RTTIME, (longest, longest))

    allowed, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    wanted = int(rank) if allowed in (0, resource.RLIM_INFINITY) else min(allowed, rank)
    try:
        os.sched_setscheduler(thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(wanted))
    except OSError:
        _ask_realtimekit(thread, wanted)
        return f"real-time priority {wanted} via RealtimeKit"
    return f"real-time priority {wanted}"


def _ask_realtimekit(thread: int, wanted: int) -> None:
    """Ask RealtimeKit on the system bus."""
    from jeepney import DBusAddress, MessageType, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    kit = DBusAddress("/org/freedesktop/RealtimeKit1", "org.freedesktop.RealtimeKit1", "org.freedesktop.RealtimeKit1")
    call = new_method_call(kit, "MakeThreadRealtimeWithPID", "ttu", (os.getpid(), thread, wanted))
    try:
        with open_dbus_connection(bus="SYSTEM") as bus:
            reply = bus.send_and_get_reply(call, timeout=BUS_TIMEOUT_SECONDS)
    except (OSError, KeyError, ValueError, TimeoutError) as error:
        raise Refused(f"no system bus answers ({type(error).__name__})") from None
    if reply.header.message_type is MessageType.error:
        reason = reply.body[0] if reply.body else "no reason given"
        raise Refused(f"RealtimeKit refuses ({reason})")


def _ask_windows() -> Granted:
    """Join the Multimedia Class Scheduler's class "Pro Audio"."""
    try:
        scheduler = ctypes.CDLL("avrt")  # 64-bit Windows has one calling convention, so this is its WinDLL
    except OSError:
        raise Refused("Windows has no Multimedia Class Scheduler") from None
    scheduler.AvSetMmThreadCharacteristicsW.restype = ctypes.c_void_p
    index = ctypes.c_uint32(0)
    handle = scheduler.AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(index))
    if not handle:
        raise Refused("the Multimedia Class Scheduler refuses")
    leave = scheduler.AvRevertMmThreadCharacteristics
    return 'the Multimedia Class Scheduler\'s class "Pro Audio"', lambda: leave(ctypes.c_void_p(handle))


def _ask_macos() -> Granted:
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
    standard = (ctypes.c_uint32 * 1)(1)  # timeshare
    return "the time-constraint policy", lambda: _set_macos_policy(1, standard)  # THREAD_STANDARD_POLICY


def _set_macos_policy(flavour: int, values: ctypes.Array[ctypes.c_uint32]) -> int:
    system = ctypes.CDLL("/usr/lib/libSystem.dylib")
    return int(system.thread_policy_set(system.mach_thread_self(), flavour, values, len(values)))
