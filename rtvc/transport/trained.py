"""Trained maps: nets that move the features of any speaker to those of one target voice (NOT, XNOT, CVC).

A map is a folder with `card.json` and `transport.onnx`, a streaming graph of the kind `transport`. It is read as
untrusted input, as a pack is. The graph moves the ordinary dimensions; pitch has its own map, as in every transport.
A map that was trained behind MKL also has `statistics.npz`, the target's statistics: MKL moves the speaker's features
to those first.

A map is opened off the audio path and then belongs to one `TransportStage` at a time. Only `fit` may be called by
another thread, while rtvc learns the speaker.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtvc.arrays import DamagedArrays, read_arrays
from rtvc.dsp.stage import Block, Delay
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics
from rtvc.names import check_name
from rtvc.packs.card import (
    CARD,
    FORMAT,
    LARGEST_BYTES,
    SHA256,
    STATISTICS,
    check_json,
    damaged,
    number,
    read_regular,
    text,
    whole,
)
from rtvc.packs.graph import MAP_AGAIN, GraphStage, read_graph
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.transport.mkl import AffineTransport, check_pair, fit_mkl, fit_pitch
from rtvc.transport.pitch import NO_PITCH, PitchTransport

SYSTEMS = {
    "not": "neural optimal transport",
    "xnot": "extremal neural optimal transport",
    "cvc": "contrastive one-way GAN",
}
"""The systems that train maps, by the first part of a map's name such as `not:Iris`."""

GRAPH = "transport.onnx"
LARGEST_FILE_BYTES = 2**28
LARGEST_WEIGHT = 1000.0
MOST_STEPS = 10**9
MOST_SECONDS = 10.0**7


@dataclass(frozen=True)
class MapCard:
    """What a trained map says of itself.

    Attributes
    ----------
    system
        One of `SYSTEMS`.
    voice
        Name of the voice that the map leads to.
    pack, pack_digest
        Name and digest of the model pack whose features it moves.
    weight
        w of XNOT, and 1 for the others.
    seconds, steps
        Speech of the target that it was trained on, and outer training steps.
    licence
        Licence of that speech; may be empty.
    digest
        SHA-256 of the graph.
    statistics_digest
        SHA-256 of the statistics for MKL; None if the map takes the speaker's features as they are.
    """

    system: str
    voice: str
    pack: str
    pack_digest: str
    weight: float
    seconds: float
    steps: int
    licence: str
    digest: str
    statistics_digest: str | None


def read_map_card(folder: Path) -> MapCard:
    """Read and check the card of the map in `folder`.

    Raises
    ------
    RtvcError
        If it is missing, damaged, of another version, or has values out of range.
    """
    where = folder / CARD
    if not where.exists():
        raise RtvcError(f"{folder} is not a trained map: it has no {CARD}.")
    try:
        values = json.loads(read_regular(where, LARGEST_BYTES).decode("utf-8"))
        check_json(values)
        version = whole(values, "format", 0, MOST_STEPS)
        if version != FORMAT:
            raise RtvcError(f"{where} has format version {version}, and this program reads version {FORMAT}.")
        if values.get("kind") != "transport":
            raise RtvcError(f"{folder} is not a trained map: its {CARD} describes something else.")
        system = text(values, "system")
        if system not in SYSTEMS:
            raise ValueError(f"system must be one of {', '.join(SYSTEMS)}")
        voice, pack, graph = text(values, "voice"), values.get("pack"), values.get("graph")
        behind_mkl = "statistics" in values
        try:
            check_name(voice)
        except RtvcError as error:
            raise ValueError(str(error)) from None
        digests = [text(pack, "digest"), text(graph, "sha256")]
        if behind_mkl:
            digests.append(text(values.get("statistics"), "sha256"))
        if not all(map(SHA256.fullmatch, digests)):
            raise ValueError("a digest is not a SHA-256")
        return MapCard(
            system,
            voice,
            text(pack, "name"),
            digests[0],
            number(values, "weight", 1.0, LARGEST_WEIGHT),
            number(values, "seconds", 0.0, MOST_SECONDS),
            whole(values, "steps", 0, MOST_STEPS),
            text(values, "licence", ""),
            digests[1],
            digests[2] if behind_mkl else None,
        )
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(where, error, way_out=MAP_AGAIN) from None


def read_map_graph(folder: Path, card: MapCard) -> bytes:
    """Return the map's graph; raise `RtvcError` if it is not the one that the card names, or no streaming graph."""
    content = _read(folder / GRAPH, card.digest)
    read_graph(content, str(folder / GRAPH), "transport")
    return content


def read_map_statistics(folder: Path, card: MapCard) -> bytes | None:
    """Return the file of the target's statistics for MKL, or None if the map has none; raises as `read_map_graph`."""
    return None if card.statistics_digest is None else _read(folder / STATISTICS, card.statistics_digest)


def _read(path: Path, digest: str) -> bytes:
    try:
        content = read_regular(path, LARGEST_FILE_BYTES)
    except OSError as error:
        raise RtvcError(f"{path} cannot be read ({error.strerror}): {MAP_AGAIN}.") from None
    except ValueError as error:
        raise damaged(path, error, way_out=MAP_AGAIN) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise RtvcError(f"{path} does not have the digest that its card names: {MAP_AGAIN}.")
    return content


class TrainedTransport:
    """A trained map, ready to run: a `ContextTransport` and a `PitchedTransport`.

    Call `fit` before the first frame. As with MKL, the displacement of the cepstra is multiplied by the pack's
    overdrive.

    Parameters
    ----------
    name
        What the user calls it, such as `not:Iris`.
    folder
        Where it lies.
    pack
        The model pack whose features it is to move.

    Attributes
    ----------
    card
        What it says of itself.
    pitch
        The map of pitch.
    lookahead_frames
        Frames of future that the graph waits for.
    bytes
        Size of the graph.

    Raises
    ------
    RtvcError
        If the map is damaged, was trained for another pack, or cannot be run.
    """

    def __init__(self, name: str, folder: Path, pack: ModelPack) -> None:
        self.name = name
        self.card = read_map_card(folder)
        if self.card.pack_digest != pack.digest:
            raise RtvcError(
                f"The map {name} was trained for the model pack {self.card.pack} "
                f"({self.card.pack_digest[:8]}), not for {pack.name} ({pack.digest[:8]}): train it for this "
                "pack, or choose another transport."
            )
        content = read_map_graph(folder, self.card)
        # One frame is a quarter of a millisecond of work: too little to share, or to send to a graphics card.
        self._graph = GraphStage(content, str(folder / GRAPH), "transport", Runtime(1, "cpu"))
        if self._graph.description.feature_dim != pack.feature_dim:
            raise RtvcError(
                f"The map {name} maps features of {self._graph.description.feature_dim} dimensions, and those of "
                f"{pack.name} have {pack.feature_dim}: {MAP_AGAIN}."
            )
        self._target = _statistics(folder, self.card, pack)
        self._block_size = pack.defaults.block_size
        self._factor = np.ones(pack.feature_dim, np.float32)
        self._factor[pack.roles.groups(pack.feature_dim)[1]] = pack.defaults.overdrive
        self.lookahead_frames = self._graph.description.lookahead_frames
        self.bytes = len(content)
        self._speaker: tuple[AffineTransport | None, PitchTransport] = None, NO_PITCH
        self.reset()

    @property
    def pitch(self) -> PitchTransport:  # noqa: D102
        return self._speaker[1]

    def fit(self, source: FeatureStatistics, target: FeatureStatistics) -> None:
        """Fit the maps of the speaker: of pitch to the chosen voice, and MKL where the map was trained behind it.

        May be called while another thread runs the map, which keeps its streaming state.
        """
        mkl = None if self._target is None else fit_mkl(source, self._target, self._block_size)
        self._speaker = mkl, fit_pitch(source, target)

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        mkl, pitch = self._speaker
        original = self._late(features)
        change = self._graph.process(features if mkl is None else mkl(features)) - original
        if pitch.index is not None:
            change[:, pitch.index] = 0  # MKL has moved it; the map of pitch does so below.
        return pitch(original + self._factor * change)

    def reset(self) -> None:
        """Return to the initial state."""
        self._graph.reset()
        self._late = Delay(self.lookahead_frames, None)


def _statistics(folder: Path, card: MapCard, pack: ModelPack) -> FeatureStatistics | None:
    content = read_map_statistics(folder, card)
    if content is None:
        return None
    path = folder / STATISTICS
    try:
        statistics = FeatureStatistics.from_arrays(read_arrays(content))
        check_pair(pack.population, statistics)
    except (DamagedArrays, RtvcError, ValueError) as error:
        raise RtvcError(f"{path} does not contain statistics of {pack.name}'s features: {MAP_AGAIN}.") from error
    return statistics
