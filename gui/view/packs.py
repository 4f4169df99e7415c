"""What the panel says about a model pack, in the words of somebody who chooses one."""

from __future__ import annotations

from dataclasses import dataclass

from gui.language import number, tr, tr_noop
from gui.view.units import milliseconds_text, percent_text
from rtvc.app.models import PackEntry

_PURPOSES = {
    "mini": tr_noop("For calls, games and streams. Runs on any processor, even while you play a game."),
    "wavlm-large": tr_noop("The large models of the published methods. For a fast processor or a graphics card."),
}


@dataclass(frozen=True)
class Fact:
    """Something that helps to choose a pack: what it is called, and what it is."""

    name: str
    value: str


def purpose(entry: PackEntry) -> str:
    """Return what a pack is good for in a sentence; that of its card where it is a pack of the user's own."""
    return tr(_PURPOSES[entry.name]) if entry.name in _PURPOSES else entry.description


def facts(entry: PackEntry) -> list[Fact]:
    """Return what to know before choosing a pack. What nobody measured is left out or said to be so."""
    size = tr("{size} MB", size=number(entry.bytes / 1e6))
    if entry.origin == "available":
        return [Fact(tr("Download"), size), Fact(tr("Needs"), tr("PyTorch, and a few minutes for a one-time build"))]
    found = [Fact(tr("Size"), size)]
    if entry.latency_seconds is not None:
        found.append(Fact(tr("Adds to the delay"), milliseconds_text(entry.latency_seconds)))
    measured = tr("not measured yet")
    if entry.core_share is not None:
        measured = tr("{share} of a processor core", share=percent_text(entry.core_share))
    found.append(Fact(tr("On this computer"), measured))
    if entry.closer_to_target is not None:
        share = percent_text(entry.closer_to_target)
        found.append(
            Fact(tr("Closer to the chosen voice than to yours"), tr("{share} of test recordings", share=share))
        )
    return found
