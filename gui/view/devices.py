"""What the panel says about devices."""

from __future__ import annotations

from collections.abc import Sequence

from gui.language import tr, tr_noop
from gui.phrases import translated
from rtvc.app.devices import device_choices
from rtvc.app.virtual_microphone import ApplicationSteps
from rtvc.devices.portaudio import Device

NO_MICROPHONE = tr_noop("No microphone was found. Plug in a headset or a USB microphone, then refresh the devices.")


def has_microphone(devices: Sequence[Device]) -> bool:
    """Tell whether there is a microphone to speak into."""
    return len(device_choices(devices, "input")) > 1


def steps_text(steps: ApplicationSteps) -> str:
    """Return the menu items that lead to the microphone in an application, and the advice that goes with them."""
    path = " ▸ ".join(map(translated, steps.path))
    return f"{steps.application}: {path}. {translated(steps.advice)}".strip()


def listeners_text(listeners: Sequence[str] | None, microphone: str) -> tuple[bool, str]:
    """Return whether a program records the virtual microphone, and a sentence about it."""
    if listeners is None:
        return False, tr("On this system rtvc cannot tell which programs record the virtual microphone.")
    if not listeners:
        return False, tr(
            "No program records “{microphone}” yet. This light turns green as soon as one does.",
            microphone=microphone,
        )
    return True, tr(
        "{programs} can hear you through “{microphone}”.",
        programs=", ".join(map(translated, listeners)),
        microphone=microphone,
    )
