"""The user's VST3 and Audio Unit plug-ins: one in a rack, what one told of itself, and which are installed.

Reads folders on the calling thread; plug-ins themselves run in processes of their own (`rtvc.dsp.plugin_process`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from rtvc.errors import RtvcError

USUAL_RATE = 48_000
"""The sample rate in Hz at which plug-ins are tried."""

TOLERANCE_SECONDS = 0.001
"""How far from the latency that a plug-in reports an impulse may come out."""


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
        Its latency in samples, as reported.
    onset
        Samples after which an impulse came out once that latency was taken off; None if nothing came out.
    parameters
        Name, words and value, 0 … 1, of each parameter.
    rate
        Sample rate in Hz at which it was tried.
    """

    channels: int
    latency: int
    onset: int | None
    parameters: tuple[tuple[str, str, float], ...]
    rate: int = USUAL_RATE

    def warning(self, plugin: str) -> str:
        """Return a sentence if the latency that the plug-in reports is not the one that was heard; else nothing."""
        if self.onset is None or abs(self.onset) <= TOLERANCE_SECONDS * self.rate:
            return ""
        told, heard = (1000 * samples / self.rate for samples in (self.latency, self.latency + self.onset))
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
