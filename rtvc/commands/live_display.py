"""What `rtvc live` shows while it runs. Everything runs on the main thread."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from rtvc.app.virtual_microphone import application_steps
from rtvc.commands.terminal import console, errors, warn
from rtvc.live.live_engine import LiveEngine
from rtvc.live.snapshot import Snapshot, State
from rtvc.settings import Settings


@dataclass(frozen=True)
class Route:
    """Where the changed voice goes, in the words that the user is shown.

    Attributes
    ----------
    voice
        The target; empty for the speaker's own voice.
    virtual_microphone
        The name under which applications list the microphone; empty if the sound goes to another device.
    output
        That other device.
    server
        Address of the server that computes; empty if this computer does.
    """

    voice: str
    virtual_microphone: str
    output: str = ""
    server: str = ""


class Display:
    """A heading once the engine runs, and then one line. New messages are printed above the line.

    Attributes
    ----------
    shown
        All messages printed so far.
    """

    def __init__(self, route: Route | None, has_keys: bool = False) -> None:
        self.shown: set[str] = set()
        self._has_keys = has_keys
        self._route = route
        self._message = ""
        self._states: set[State] = set()

    @property
    def never_converted(self) -> bool:
        """Whether the engine only ever sent silence because it had no map to the voice."""
        return State.SILENCED in self._states and State.RUNNING not in self._states

    def update(self, snapshot: Snapshot, engine: LiveEngine, width: int) -> Text:
        """Print what is new and return the line, no wider than `width` columns."""
        if snapshot.state == State.RUNNING and State.RUNNING not in self._states and self._route is not None:
            _print_heading(self._route, engine, snapshot, self._has_keys)
        self._states.add(snapshot.state)
        if snapshot.state in (State.STARTING, State.STOPPED, State.FAILED):
            return status_line(snapshot, engine.settings, width)
        if snapshot.message and snapshot.message != self._message:
            if snapshot.state == State.SILENCED:
                errors.print(snapshot.message, style="red", soft_wrap=True)
            else:
                warn(snapshot.message)
            self.shown.add(snapshot.message)
        self._message = snapshot.message or self._message
        return status_line(snapshot, engine.settings, width)


def _print_heading(route: Route, engine: LiveEngine, snapshot: Snapshot, has_keys: bool) -> None:
    rows = [("Voice", route.voice or "your own"), ("Microphone", engine.port.microphone_name)]
    if route.virtual_microphone:
        rows.append(("Virtual microphone", route.virtual_microphone))
    else:
        rows.append(("Output", route.output))
    rows.append(("Server", route.server) if route.server else ("Scheduling", snapshot.priority))
    keys = ["m mutes", "b sends your own voice"] if has_keys else []
    if has_keys and route.voice:
        keys.append("v selects the next voice")
    rows.append(("Keys", ", ".join((*keys, "Ctrl-C stops"))))
    for label, text in rows:
        console.print(f"{label:19}{text}", soft_wrap=True)
    if route.virtual_microphone:
        discord = application_steps(route.virtual_microphone)[0]
        console.print(f"In {discord.application}, choose {' > '.join(discord.path)}.", soft_wrap=True)
    if route.server:
        console.print("The server learns your voice while you speak.", soft_wrap=True)
    elif engine.enrolment is None:
        console.print("rtvc learns your voice while you speak. `rtvc enrol` learns it beforehand.", soft_wrap=True)


def status_line(snapshot: Snapshot, settings: Settings, width: int) -> Text:
    """Return one line of at most `width` columns: the parts that matter least are left out first."""
    parts = [_state(snapshot, settings)]
    if snapshot.fit_progress is not None:
        parts.append(f"fitting {snapshot.fit_progress:.0%}")
    parts += [
        f"in {_meter(snapshot.input_level_dbfs)}",
        f"out {_meter(snapshot.output_level_dbfs)}",
        f"delay {snapshot.latency.milliseconds['total']:.0f} ms",
    ]
    if snapshot.underruns:
        parts.append(f"underruns {snapshot.underruns}")
    if snapshot.dropped_frames:
        parts.append(f"dropped {snapshot.dropped_frames}")
    line = parts[0]
    for part in parts[1:]:
        if len(line) + 2 + len(part) <= width:
            line += f"  {part}"
    return Text(line[:width], style="red" if snapshot.state in (State.SILENCED, State.FAILED) else "", no_wrap=True)


def _state(snapshot: Snapshot, settings: Settings) -> str:
    if snapshot.state is State.RUNNING and settings.mute:
        return "muted"
    if snapshot.state is State.RUNNING and settings.bypass:
        return "your own voice"
    return str(snapshot.state)


def summary(snapshot: Snapshot) -> str:
    """Return the delay with all its parts and what went wrong, for the end of a session."""
    parts = snapshot.latency.milliseconds
    total = parts.pop("total")
    return (
        f"delay {total:.0f} ms ({' + '.join(f'{name} {part:.1f}' for name, part in parts.items())}); "
        f"{snapshot.underruns} underruns, {snapshot.overruns} overruns, {snapshot.dropped_frames} frames dropped"
    )


def _meter(level: float, width: int = 10) -> str:
    filled = round(width * min(max((level + 60) / 60, 0), 1))
    return "█" * filled + "·" * (width - filled)
