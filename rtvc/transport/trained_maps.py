"""The trained maps on disk, by names such as `not:Iris`: those that came with the program, and the user's own.

A map is the folder `<system>/<name>` of either place. Everything here runs on the calling thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from platformdirs import user_data_path

from rtvc.errors import RtvcError
from rtvc.names import check_name, did_you_mean, normal, shortened
from rtvc.packs.card import CARD, STATISTICS
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, delete, make_folder
from rtvc.transport.trained import (
    GRAPH,
    SYSTEMS,
    MapCard,
    TrainedTransport,
    read_map_card,
    read_map_graph,
    read_map_statistics,
)


@dataclass(frozen=True)
class MapEntry:
    """A trained map in a list: its name, where it lies, and whether it came with the program."""

    name: str
    folder: Path
    shipped: bool


def is_trained(transport: str) -> bool:
    """Tell whether this names a trained map, such as `not:Iris`, or the system of one."""
    return ":" in transport or transport in SYSTEMS


def check_map_name(transport: str) -> None:
    """Raise `RtvcError` if this cannot be the name of a trained map."""
    system, _, name = transport.partition(":")
    if system not in SYSTEMS:
        raise RtvcError(
            f"There is no system {shortened(system)} of trained maps: choose one of {', '.join(SYSTEMS)}."
            f"{did_you_mean(system, SYSTEMS)}"
        )
    if not name:
        raise RtvcError(
            f"{system} is a system of trained maps: name one, such as {system}:Iris. `rtvc transports list` shows "
            "them."
        )
    check_name(name, "trained map")


class MapLibrary:
    """The shipped maps and the user's own, by name; the user's own come first.

    Parameters
    ----------
    folder
        Where the user's maps lie; by default in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_path("rtvc", appauthor=False) / "transports"

    def entries(self) -> list[MapEntry]:
        """Return all maps, usable or not: the user's own, then the shipped ones, each sorted by name."""
        return [*_entries(self.folder, shipped=False), *_entries(shipped_maps(), shipped=True)]

    def find(self, name: str) -> MapEntry:
        """Return the map of this name; raise `RtvcError` that suggests another one if there is none."""
        check_map_name(name)
        maps = {entry.name: entry for entry in reversed(self.entries())}
        if (entry := maps.get(normal(name))) is not None:
            return entry
        way_out = did_you_mean(name, maps) or (
            f" Available: {', '.join(sorted(maps)) or 'none'}. `rtvc transports add` adds one."
        )
        raise RtvcError(f"There is no trained map {shortened(name)}.{way_out}")

    def open(self, name: str, pack: ModelPack) -> TrainedTransport:
        """Return the map of this name, ready to run; raises as `find` and `TrainedTransport` do."""
        entry = self.find(name)
        return TrainedTransport(entry.name, entry.folder, pack)

    def add(self, source: Path, name: str | None = None, *, replace: bool = False) -> MapEntry:
        """Copy the map in the folder `source`; it is called as the voice that it leads to unless `name` is given.

        Raises `RtvcError` if it is damaged, the name is not allowed or taken, or it cannot be written.
        """
        card = read_map_card(source)
        called = check_name(name or card.voice, "trained map")
        contents = {GRAPH: read_map_graph(source, card), STATISTICS: read_map_statistics(source, card)}
        target = self.folder / card.system / called
        if target.exists() and not replace:
            raise RtvcError(
                f"A trained map {card.system}:{called} already exists: give this one another --name, or replace it "
                "with --force."
            )
        make_folder(target.parent)
        with atomic_folder(target, overwrite=replace) as folder:
            (folder / CARD).write_bytes((source / CARD).read_bytes())
            for file, content in contents.items():
                if content is not None:
                    (folder / file).write_bytes(content)
        return MapEntry(f"{card.system}:{called}", target, shipped=False)

    def remove(self, name: str) -> None:
        """Delete one of the user's maps; of a link, only the link.

        Raises `RtvcError` if there is none of this name, or it cannot be deleted.
        """
        entry = self.find(name)
        if entry.shipped:
            raise RtvcError(f"The trained map {entry.name} came with the program; you cannot remove it.")
        delete(entry.folder)

    def leading_to(self, voice: str, pack_digest: str) -> list[tuple[str, MapCard]]:
        """Return name and card of the undamaged maps that lead to this voice under the pack of this digest."""
        found: dict[str, MapCard] = {}
        for entry in reversed(self.entries()):
            try:
                card = read_map_card(entry.folder)
            except RtvcError:
                continue
            if card.voice == normal(voice) and card.pack_digest == pack_digest:
                found[entry.name] = card
        return sorted(found.items())


def shipped_maps() -> Path:
    """Return the folder of the maps that come with the program."""
    return Path(str(files("rtvc"))) / "assets" / "transports"


def _entries(folder: Path, *, shipped: bool) -> list[MapEntry]:
    """Return the maps below a folder. Names that cannot be printed are left out."""
    found = []
    for path in sorted(folder.glob(f"*/[!.]*/{CARD}")):
        system, name = path.parent.parent.name, normal(path.parent.name)
        if system in SYSTEMS and name.isprintable():
            found.append(MapEntry(f"{system}:{name}", path.parent, shipped))
    return found
