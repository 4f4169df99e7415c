"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from rtvc.app.effects import RACKS, find_effects
from rtvc.app.presets import SUPPLIED
from rtvc.commands.program import EXPERTS
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.packs.runtime import cores
from rtvc.settings import Settings
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.transport.formants import LARGEST_FORMANTS, SMALLEST_FORMANTS
from rtvc.transport.pitch import LARGEST_INTONATION, LARGEST_SEMITONES


def _no_more_than_cores(threads: int | None) -> int | None:
    if threads is not None and threads > cores():
        raise RtvcError(f"--threads cannot exceed the {cores()} cores that this process may use.")
    return threads


PackName = Annotated[str, typer.Option("--pack", help="Model pack: a name, or a folder that contains a card.json.")]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, callback=_no_more_than_cores, rich_help_panel=EXPERTS, help="Threads per graph. Default: the pack's."
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help=f"Preset to start from: {', '.join(preset.name for preset in SUPPLIED)}, or your own from the panel. "
        "Other options take precedence.",
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="From 0 (your own voice) to 1 (the target voice). Default: 1."),
]
TransportName = Annotated[
    str | None,
    typer.Option(
        "--transport",
        rich_help_panel=EXPERTS,
        help=f"Transport that maps your voice: {', '.join(FITS)}, or a trained map such as not:Iris. Default: mkl.",
    ),
]
BlockSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=EXPERTS,
        help="K of MKL: larger is closer to the target, smaller keeps speech clearer. Default: the pack's.",
    ),
]
Pitch = Annotated[
    float | None,
    typer.Option(
        min=-LARGEST_SEMITONES,
        max=LARGEST_SEMITONES,
        help="Shift of the converted voice's pitch in semitones; below 0 lowers it. Default: 0.",
    ),
]
Intonation = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=LARGEST_INTONATION,
        help=(
            "Intonation range of the converted voice: 0 is monotone, 1 the target voice's own, 2 twice as wide. "
            "Default: 1."
        ),
    ),
]
EffectsName = Annotated[
    str | None,
    typer.Option(
        "--effects",
        help=f"Effects on the converted voice: {', '.join(RACKS)}, or a .json file (see `rtvc effects`).",
    ),
]
NoiseSuppressionLevel = Annotated[
    NoiseSuppression | None,
    typer.Option(
        "--noise-suppression",
        metavar="LEVEL",
        help="Remove noise from the input: off, light or strong. Adds 20 ms of delay when live.",
    ),
]
Formants = Annotated[
    float | None,
    typer.Option(
        min=SMALLEST_FORMANTS,
        max=LARGEST_FORMANTS,
        help=(
            "Formant scale of the converted voice: below 1 sounds like a larger body, above 1 like a smaller "
            "one. Default: 1."
        ),
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print figures, such as the time taken.")]


def with_options(
    settings: Settings,
    *,
    voice: str | None,
    transport: str | None,
    strength: float | None,
    block_size: int | None,
    pitch: float | None,
    intonation: float | None,
    formants: float | None,
    effects: str | None,
    noise_suppression: NoiseSuppression | None,
) -> Settings:
    """Return settings with the options that were given; raise `RtvcError` if they contradict each other."""
    choice = replace(settings.map, **_given(transport=transport, strength=strength, block_size=block_size))
    map_choice(choice.transport, block_size, choice.strength)
    rack = None if effects is None else find_effects(effects)
    result = replace(
        settings,
        map=choice,
        **_given(
            voice=voice,
            pitch_semitones=pitch,
            intonation=intonation,
            formants=formants,
            effects=rack,
            noise_suppression=noise_suppression,
        ),
    )
    result.check_libraries()
    return result


def map_choice(transport: str, block_size: int | None, strength: float = 1.0) -> MapChoice:
    """Return the map that the options choose; raise `RtvcError` if they contradict each other."""
    choice = MapChoice(transport, block_size, strength)
    choice.check()
    if block_size is not None and transport != "mkl":
        raise RtvcError(f"--block-size is an option of the transport mkl, not of {transport}.")
    return choice


def _given(**options: Any) -> dict[str, Any]:  # noqa: ANN401 - values of any option
    return {name: value for name, value in options.items() if value is not None}
