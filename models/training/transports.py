"""Train a transport: python -m models.training.transports --system not --target FOLDER --sources FOLDER --output MAP.

`not` and `xnot` are neural optimal transport and its extremal form (arXiv 2411.02402), `cvc` is the contrastive
one-way GAN (arXiv 2011.00782). One map leads from any speaker to one target voice. Training works on the features of
a pack, which are computed once and kept, and runs for `--steps` or `--minutes`. A run that was interrupted goes on
from its checkpoint, and draws what an uninterrupted run would have drawn.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export.transport import check_destination, write_map
from models.streaming import StreamingState
from models.training.checkpoint import save_atomically
from models.training.transport_features import Crops, Speech, source_speech, target_speech
from models.training.transport_systems import Objective, System, make_system
from models.transports import TransportConfiguration, TransportNet
from rtvc.benchmark.distributions import energy_distance, frechet_distance
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics, merge_all
from rtvc.names import check_name
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.transport.mkl import fit_mkl
from rtvc.transport.trained import LARGEST_WEIGHT

SAVED_EVERY = 50
RATES = {"not": 5e-4, "xnot": 5e-4, "cvc": 2e-4}
CVC_FRAMES = 96
"""The contrastive loss leaves out the first 56 frames of a stretch."""


@dataclass(frozen=True)
class Schedule:
    """When to stop, and how much to draw at each step."""

    steps: int | None = None
    minutes: float | None = None
    batch: int = 8
    frames: int = 64
    seed: int = 0

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the training that is done, 0 … 1."""
        by_steps = 0.0 if self.steps is None else step / self.steps
        by_time = 0.0 if self.minutes is None else seconds / (60 * self.minutes)
        return max(by_steps, by_time)


class Measure:
    """Distances of moved held-out speech from the target's held-out speech, in deviations of the population.

    `given` is the sources' held-out speech as the net receives it, after `moved_by_mkl` or as it is.
    """

    def __init__(
        self, net: TransportNet, sources: Speech, targets: Speech, given: Sequence[Block], pack: ModelPack
    ) -> None:
        self._ordinary = list(net.configuration.ordinary)
        self._scale = net.scale.numpy()
        self._centre = net.centre.numpy()
        self._given = given
        self._target = self._standardise(np.concatenate(targets.held_out))
        trained_on = np.concatenate(targets.training)
        there = FeatureStatistics.of(trained_on, roles=pack.roles)
        size = pack.defaults.block_size
        everyone = merge_all([FeatureStatistics.of(part, roles=pack.roles) for part in sources.training])
        pooled = fit_mkl(everyone, there, size)
        # Users have this one: it knows the speaker, as no trained map does.
        self.references = {
            "source": self.distances(sources.held_out),
            "one MKL map for all speakers": self.distances([pooled(part) for part in sources.held_out]),
            "MKL, fitted to each speaker": self.distances(moved_by_mkl(sources, there, pack).held_out),
            "target": self.distances([trained_on]),
        }

    def distances(self, frames: Sequence[Block]) -> tuple[float, float]:
        """Return energy and Fréchet distance of feature frames from the target's held-out speech."""
        moved = self._standardise(np.concatenate(frames))
        return energy_distance(moved, self._target), frechet_distance(moved, self._target)

    def of(self, net: TransportNet) -> dict[str, float]:
        """Return the distances of the held-out sources after the map, and how far it moved them: the cost c."""
        with torch.no_grad():
            moved = [net(torch.from_numpy(part)[None], StreamingState())[0].numpy() for part in self._given]
        energy, frechet = self.distances(moved)
        change = self._standardise(np.concatenate(moved)) - self._standardise(np.concatenate(self._given))
        return {"energy": energy, "frechet": frechet, "moved": float(np.square(change).mean())}

    def _standardise(self, frames: Block) -> Block:
        standard: Block = (frames[:, self._ordinary] - self._centre) / self._scale
        return standard


def moved_by_mkl(sources: Speech, target: FeatureStatistics, pack: ModelPack) -> Speech:
    """Return the speech after MKL maps to the target, each fitted to one speaker."""

    def moved(frames: Block) -> Block:
        return fit_mkl(FeatureStatistics.of(frames, roles=pack.roles), target, pack.defaults.block_size)(frames)

    return Speech([moved(part) for part in sources.training], [moved(part) for part in sources.held_out])


def train(
    system: System,
    sources: Speech,
    targets: Speech,
    schedule: Schedule,
    checkpoint: Path,
    about: Mapping[str, object],
    measure: Measure | None = None,
    measured_every: int = 100,
) -> tuple[int, list[dict[str, float]]]:
    """Train until the schedule ends, from the checkpoint if there is one; return the steps taken, and the curve.

    `about` are further things, by name, in which a training that goes on from the checkpoint has to agree with it.

    Raises `RtvcError` if the checkpoint comes from another training.
    """
    step, seconds, curve = 0, 0.0, []
    about = {"objective": asdict(system.objective), "net": asdict(system.net.configuration), **about}
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        before = saved.get("about", {})
        if others := [name for name, value in about.items() if before.get(name) != value]:
            raise RtvcError(
                f"{checkpoint} comes from a training that differs in {', '.join(others)}: give --output another "
                "name, or delete this checkpoint."
            )
        system.restore(saved["state"])
        step, seconds, curve = saved["step"], saved["seconds"], saved["curve"]
        print(f"resumed at step {step}", flush=True)
    drawn = {"x": Crops(sources.training, schedule.frames), "y": Crops(targets.training, schedule.frames)}

    def save() -> None:
        progress = {"step": step, "seconds": seconds, "curve": curve}
        save_atomically({"about": about, "state": system.state(), **progress}, checkpoint)

    while (progress := schedule.progress(step, seconds)) < 1:
        began = time.monotonic()
        random = np.random.default_rng((schedule.seed, step))

        def draw(side: str, random: np.random.Generator = random) -> Tensor:
            features = torch.from_numpy(drawn[side].draw(schedule.batch, random))
            return system.net.standardise(features)

        losses = system.advance(lambda draw=draw: draw("x"), lambda draw=draw: draw("y"), progress)  # type: ignore[misc]
        if not all(map(math.isfinite, losses.values())):
            raise SystemExit(f"The losses of step {step} are not finite: train with a lower --rate.")
        step += 1
        system.follow(step)
        if step % measured_every == 0 and measure is not None:
            losses |= measure.of(system.average)
        seconds += time.monotonic() - began
        if step % (measured_every // 4 or 1) == 0:
            curve.append({"step": step, **losses})
            shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            print(f"step {step}  {seconds / 60:.1f} min  {shown}", flush=True)
        if step % SAVED_EVERY == 0:
            save()
    save()
    return step, curve


def new_net(pack: ModelPack, width: int) -> TransportNet:
    """Return a map of the pack's features that is the identity."""
    ordinary = tuple(int(index) for index in pack.roles.ordinary(pack.feature_dim))
    return TransportNet(TransportConfiguration(pack.feature_dim, ordinary, width), pack.population)


def check_positive(arguments: Mapping[str, Any]) -> None:
    """Raise `RtvcError` if a number that has to be positive is not."""
    for name in ("steps", "minutes", "rate", "width", "batch", "frames", "source_seconds", "target_seconds"):
        if arguments[name] is not None and not 0 < arguments[name] < math.inf:
            option = f"--{name.replace('_', '-')}"
            raise RtvcError(f"{option} {arguments[name]:g} makes no sense: give a number above 0.")


def check_output(output: Path, recordings: Iterable[Path], work: Path, *, force: bool) -> None:
    """Raise `RtvcError` if the map must not be written to `output`: it would lie among, or delete, something else."""
    place = output.resolve()
    for folder in recordings:
        if place.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(place):
            raise RtvcError(f"{output} overlaps the recordings in {folder}: name another --output.")
    if work.resolve().is_relative_to(place):
        raise RtvcError(f"{output} holds the --work folder {work}: name another --output.")
    check_destination(output, overwrite=force)


class _Help(argparse.HelpFormatter):
    """Begins as the help of every other command of `rtvc` does."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Add the usage line."""
        super().add_usage(usage, actions, groups, prefix or "Usage: ")


def main(words: Sequence[str] | None = None, program: str | None = None) -> None:
    """Read the command line (or these words, as the arguments of `program`), train, and write the map."""
    parser = argparse.ArgumentParser(
        program, description="Train a transport towards one voice.", formatter_class=_Help
    )
    parser.add_argument("--system", choices=sorted(RATES), required=True)
    parser.add_argument("--pack", default="mini", help="model pack: a name, or a folder that holds a card.json")
    parser.add_argument("--target", type=Path, required=True, help="recordings of the target voice; minutes of it")
    parser.add_argument("--voice", help="name of the voice that the map leads to; default: the target folder's")
    parser.add_argument("--sources", type=Path, required=True, help="one folder of recordings per speaker")
    parser.add_argument("--output", type=Path, required=True, help="folder for the map, for `rtvc transports add`")
    parser.add_argument("--force", action="store_true", help="replace a map in that folder")
    parser.add_argument("--work", type=Path, default=Path("training-output/transports"), help="features, checkpoints")
    parser.add_argument("--steps", type=int, help="outer steps")
    parser.add_argument("--minutes", type=float, help="time to train")
    parser.add_argument("--after-mkl", action="store_true", help="train on what MKL has made of each speaker")
    parser.add_argument("--w", type=float, default=1.0, help="of xnot: the map needs 1/w of the target's mass")
    parser.add_argument("--identity", type=float, default=1.0, help="µ of cvc, for the target's own speech")
    parser.add_argument("--rate", type=float, help="initial learning rate")
    parser.add_argument("--width", type=int, default=128, help="width of the map's layers")
    parser.add_argument("--batch", type=int, default=8, help="stretches per step")
    parser.add_argument("--frames", type=int, help="frames per stretch")
    parser.add_argument("--source-seconds", type=float, default=60.0, help="speech of each source speaker")
    parser.add_argument("--target-seconds", type=float, help="speech of the target; default: all")
    parser.add_argument("--licence", default="", help="licence of the recordings, for the card")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(words)
    if arguments.steps is None and arguments.minutes is None:
        parser.error("give --steps or --minutes")
    if not 1 <= arguments.w <= LARGEST_WEIGHT or (arguments.w != 1 and arguments.system != "xnot"):
        parser.error(f"--w is 1 to {LARGEST_WEIGHT:g}, and an option of xnot")
    check_positive(vars(arguments))
    voice = check_name(arguments.voice or arguments.target.resolve().name)
    check_output(arguments.output, (arguments.target, arguments.sources), arguments.work, force=arguments.force)
    torch.manual_seed(arguments.seed)
    pack = find_pack(arguments.pack)
    features = arguments.work / "features"
    targets = target_speech(arguments.target, pack, features, arguments.target_seconds)
    sources = source_speech(arguments.sources, pack, features, arguments.source_seconds)
    rate = arguments.rate or RATES[arguments.system]
    objective = Objective(arguments.system, arguments.w, arguments.identity, rate)
    system = make_system(new_net(pack, arguments.width), objective)
    target = FeatureStatistics.of(np.concatenate(targets.training), roles=pack.roles)
    given = moved_by_mkl(sources, target, pack) if arguments.after_mkl else sources
    measure = Measure(system.net, sources, targets, given.held_out, pack)
    minutes = [speech.frames() / pack.frame_rate / 60 for speech in (sources, targets)]
    print(f"{minutes[0]:.1f} min of {len(sources.training)} sources, {minutes[1]:.1f} min of the target")
    for name, (energy, frechet) in measure.references.items():
        print(f"held out, {name}: energy distance {energy:.3f}, Fréchet distance {frechet:.2f}", flush=True)
    frames = arguments.frames or (CVC_FRAMES if arguments.system == "cvc" else 64)
    schedule = Schedule(arguments.steps, arguments.minutes, arguments.batch, frames, arguments.seed)
    checkpoint = arguments.work / f"{arguments.output.name}.pt"
    about = {
        "model pack": pack.digest,
        "voice": voice,
        "target": targets.digest(),
        "sources": sources.digest(),
        "--after-mkl": arguments.after_mkl,
    }
    steps, curve = train(system, given, targets, schedule, checkpoint, about, measure)
    measured = measure.of(system.average)
    card = {
        "system": objective.system,
        "weight": objective.weight,
        "voice": voice,
        "licence": arguments.licence,
        "seconds": round(targets.frames() / pack.frame_rate, 1),
        "source_speakers": len(sources.training),
        "steps": steps,
        "curve": [[point["step"], round(point["energy"], 4)] for point in curve if "energy" in point],
        "measured": {
            "energy_distance": round(measured["energy"], 4),
            "frechet_distance": round(measured["frechet"], 3),
            "cost": round(measured["moved"], 4),
            "references": {name: [round(value, 4) for value in pair] for name, pair in measure.references.items()},
        },
    }
    statistics = target if arguments.after_mkl else None
    write_map(system.average, arguments.output, pack, card, statistics, overwrite=arguments.force)
    print(
        f"{arguments.output}: energy distance {measured['energy']:.3f}, Fréchet distance {measured['frechet']:.2f}, "
        f"cost {measured['moved']:.4f}"
    )


if __name__ == "__main__":
    main()
