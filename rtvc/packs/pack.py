"""Model packs: a folder with a card, two streaming graphs and the statistics of many speakers.

A `ModelPack` is immutable and may be shared by threads; the stages that it makes belong to one thread each.
"""

from __future__ import annotations

import hashlib
from copy import copy
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from platformdirs import user_data_path

from rtvc.arrays import DamagedArrays, read_arrays
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics
from rtvc.names import did_you_mean, shortened
from rtvc.packs.card import CARD, ENCODER, STATISTICS, VOCODER, damaged, read_card, read_regular
from rtvc.packs.graph import GraphStage, read_graph
from rtvc.packs.processor import saturates
from rtvc.packs.runtime import Runtime

LARGEST_FILE_BYTES = 2**31
"""Protocol Buffers, and so ONNX files, hold no more."""


class ModelPack:
    """A model pack on disk, verified: every file has the digest that its card names, and all fit together.

    Opening one reads its files and builds no session; `encoder` and `vocoder` do.

    Parameters
    ----------
    folder
        Where `card.json` and the graphs lie.
    runtime
        How to run the graphs; the card's defaults fill in what it leaves open.

    Attributes
    ----------
    card
        What the pack says of itself.
    sample_rate, hop, feature_dim
        The audio's sample rate in Hz, samples per frame, dimensions of a feature vector.
    lookahead_frames
        Frames of future that the encoder waits for.
    latency
        The algorithmic latency of encoder and vocoder together, in samples.
    runtime
        How its graphs run.

    Raises
    ------
    RtvcError
        If the card or a file is missing, damaged, of another version, out of range, or has another digest.
    """

    def __init__(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.folder = folder
        self.card = card = read_card(folder)
        self.name, self.roles, self.level_dbfs, self.defaults = card.name, card.roles, card.level_dbfs, card.defaults
        self.runtime = (runtime or Runtime()).or_else(card.defaults.runtime)
        self._contents = {name: self.read(name) for name in (ENCODER, VOCODER, STATISTICS)}
        encoder, _ = read_graph(self._contents[ENCODER], str(folder / ENCODER), "encoder")
        vocoder, _ = read_graph(self._contents[VOCODER], str(folder / VOCODER), "vocoder")
        for attribute in ("sample_rate", "hop", "feature_dim"):
            one, other = getattr(encoder, attribute), getattr(vocoder, attribute)
            if one != other:
                raise RtvcError(f"The graphs of model pack {self.name} do not fit: {attribute} is {one} and {other}.")
        self.sample_rate, self.hop, self.feature_dim = encoder.sample_rate, encoder.hop, encoder.feature_dim
        self.lookahead_frames = encoder.lookahead_frames
        self.latency = encoder.latency + vocoder.latency
        self.roles.check(self.feature_dim)
        if self.population.dim != self.feature_dim or self.population.roles != self.roles:
            raise RtvcError(f"The statistics of model pack {self.name} do not fit its graphs.")

    @property
    def frame_rate(self) -> int:
        """Frames per second."""
        return self.sample_rate // self.hop

    @property
    def digest(self) -> str:
        """A digest of all graphs: features and statistics are only worth something under the pack that made them."""
        return hashlib.sha256("".join(sorted(self.card.digests.values())).encode()).hexdigest()

    def bound(self, runtime: Runtime) -> ModelPack:
        """Return this pack bound to another runtime; no file is read again."""
        pack = copy(self)
        pack.runtime = runtime.or_else(self.defaults.runtime)
        return pack

    def encoder(self) -> GraphStage:
        """Return a fresh encoder stage: audio `[hop·n]` to features `[n, feature_dim]`."""
        return GraphStage(self._contents[ENCODER], str(self.folder / ENCODER), "encoder", self.runtime)

    def vocoder(self) -> GraphStage:
        """Return a fresh vocoder stage: features `[n, feature_dim]` to audio `[hop·n]`."""
        return GraphStage(self._contents[VOCODER], str(self.folder / VOCODER), "vocoder", self.runtime)

    @property
    def warning(self) -> str | None:
        """What the user should know of the pack on this machine, or None."""
        if not (self.card.full_range and saturates()):
            return None
        return (
            f"The 8-bit weights of the model pack {self.name} need a processor with VNNI, which this one lacks: "
            "it sounds distorted here. Build it again with `rtvc models build`."
        )

    @cached_property
    def population(self) -> FeatureStatistics:
        """Statistics of many speakers' features: what is assumed of a speaker who has not been heard yet."""
        where = self.folder / STATISTICS
        try:
            return FeatureStatistics.from_arrays(read_arrays(self._contents[STATISTICS]))
        except DamagedArrays as error:
            raise damaged(where, error) from None
        except RtvcError:
            raise RtvcError(f"{where} is damaged: fetch or build the model pack again.") from None

    def read(self, name: str) -> bytes:
        """Return the content of a file that the card names; raise `RtvcError` if it is not the one named."""
        path = self.folder / name
        try:
            content = read_regular(path, LARGEST_FILE_BYTES)
        except OSError as error:
            raise RtvcError(
                f"{path} cannot be read ({error.strerror}): fetch or build the model pack again."
            ) from None
        except ValueError as error:
            raise damaged(path, error) from None
        if hashlib.sha256(content).hexdigest() != self.card.digests.get(name):
            raise RtvcError(
                f"{path} does not have the digest that its card names: fetch or build the model pack again."
            )
        return content


def find_pack(name: str, runtime: Runtime | None = None) -> ModelPack:
    """Open a pack by the name of an embedded or installed one, or by its folder; it runs as `runtime` says."""
    for folder in (embedded_packs(), installed_packs()):
        if name in pack_names(folder):
            return ModelPack(folder / name, runtime)
    if "\0" not in name and (Path(name) / CARD).is_file():
        return ModelPack(Path(name), runtime)
    known = [*pack_names(embedded_packs()), *pack_names(installed_packs())]
    raise RtvcError(
        f"There is no model pack {shortened(name)}: choose one of {', '.join(known)}, name a folder with a {CARD}, "
        f"or build one with `rtvc models build`; `rtvc models list` shows which.{did_you_mean(name, known)}"
    )


def pack_names(folder: Path) -> list[str]:
    """Return the names of the packs that lie in a folder."""
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}"))


def embedded_packs() -> Path:
    """Return the folder of the packs that come with the program."""
    return Path(str(files("rtvc"))) / "assets" / "packs"


def installed_packs() -> Path:
    """Return the folder of the packs that the user has fetched or built."""
    return user_data_path("rtvc", appauthor=False) / "packs"
