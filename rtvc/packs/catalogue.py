"""Packs that are built on the user's machine, and the published checkpoints behind them.

Everything runs on the calling thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from rtvc.errors import RtvcError
from rtvc.names import did_you_mean, shortened
from rtvc.packs.download import RemoteFile, digest, download
from rtvc.packs.pack import ModelPack, embedded_packs, installed_packs, pack_names
from rtvc.storage import delete

CHECKED_FRAMES = 5


@dataclass(frozen=True)
class KnownPack:
    """A pack that this program can build from two published checkpoints, one of each graph."""

    name: str
    description: str
    licence: str
    training_data: str
    encoder: RemoteFile
    vocoder: RemoteFile

    @property
    def files(self) -> tuple[RemoteFile, RemoteFile]:
        """Both checkpoints."""
        return self.encoder, self.vocoder


_RELEASE = "https://github.com/bshall/knn-vc/releases/download/v0.1"

WAVLM_LARGE = KnownPack(
    "wavlm-large",
    "WavLM-Large layer 6 and kNN-VC's HiFi-GAN: the models of MKL-VC",
    "WavLM: see github.com/microsoft/unilm (wavlm); HiFi-GAN: see github.com/bshall/knn-vc (MIT)",
    "WavLM: 94,000 h of Libri-Light, GigaSpeech and VoxPopuli; HiFi-GAN: LibriSpeech train-clean-100",
    RemoteFile(
        "WavLM-Large.pt",
        f"{_RELEASE}/WavLM-Large.pt",
        1_261_965_425,
        "6fb4b3c3e6aa567f0a997b30855859cb81528ee8078802af439f7b2da0bf100f",
    ),
    RemoteFile(
        "prematch_g_02500000.pt",
        f"{_RELEASE}/prematch_g_02500000.pt",
        66_214_643,
        "f924c7632c6eaf99004386d62293e124419e33582573552a6ae976eb88ed2dd5",
    ),
)

KNOWN = {pack.name: pack for pack in (WAVLM_LARGE,)}


def known_pack(name: str) -> KnownPack:
    """Return a pack that can be built; raise `RtvcError` that lists them."""
    if name not in KNOWN:
        raise RtvcError(
            f"There is no pack {shortened(name)} to fetch or build: choose one of {', '.join(KNOWN)}."
            f"{did_you_mean(name, KNOWN)}"
        )
    return KNOWN[name]


def downloads() -> Path:
    """Return the folder that checkpoints are downloaded to."""
    return user_cache_path("rtvc", appauthor=False) / "checkpoints"


def fetch(
    files: Iterable[RemoteFile],
    folder: Path | None = None,
    progress: Callable[[RemoteFile, int], None] = lambda file, size: None,
) -> dict[RemoteFile, Path]:
    """Download checkpoints and return their paths; `progress` is told how many bytes of each are there.

    Raises `RtvcError` as `rtvc.packs.download.download` does.
    """
    return {
        file: download(file, folder or downloads(), lambda size, file=file: progress(file, size))  # type: ignore[misc]
        for file in files
    }


def take(
    files: Iterable[RemoteFile], folder: Path, unverified: bool = False
) -> tuple[dict[RemoteFile, Path], list[str]]:
    """Find checkpoints in a folder of the user; return their paths, and warnings.

    Raises
    ------
    RtvcError
        If one is missing, or is another file than the published one and `unverified` is false.
    """
    paths, warnings = {}, []
    for file in files:
        path = folder / file.name
        if not path.is_file():
            raise RtvcError(f"{folder} has no {file.name}: put it there, or leave out --from to have it downloaded.")
        if path.stat().st_size != file.size or digest(path) != file.sha256:
            if not unverified:
                raise RtvcError(
                    f"{path} is not the published {file.name} (another size or SHA-256): use --unverified to "
                    "accept it."
                )
            warnings.append(f"{path} is not the published {file.name}: the pack may not work as measured.")
        paths[file] = path
    return paths, warnings


def verify(name: str) -> ModelPack:
    """Open an installed pack, which checks every digest, and run its graphs on silence.

    Raises `RtvcError` if the pack is missing or damaged.
    """
    pack = ModelPack(_installed(name))
    features = pack.encoder().process(np.zeros(CHECKED_FRAMES * pack.hop, np.float32))
    audio = pack.vocoder().process(features)
    if not (np.isfinite(features).all() and np.isfinite(audio).all()):
        raise RtvcError(f"The model pack {name} turns silence into numbers that are not finite: build it again.")
    return pack


def remove(name: str) -> None:
    """Delete an installed pack and the checkpoints that were downloaded for it; of a link, only the link.

    Raises `RtvcError` if there is neither, or it cannot be deleted.
    """
    fetched = [
        path
        for file in (KNOWN[name].files if name in KNOWN else ())
        for path in (downloads() / file.name, downloads() / f"{file.name}.part")
        if path.exists()
    ]
    if not fetched or name in pack_names(installed_packs()):
        delete(_installed(name))
    for path in fetched:
        delete(path)


def _installed(name: str) -> Path:
    names = pack_names(installed_packs())
    if name not in names and name in pack_names(embedded_packs()):
        raise RtvcError(
            f"{shortened(name)} came with the program: it is verified whenever it is opened, and cannot be removed."
        )
    if name not in names:
        raise RtvcError(
            f"No installed pack is called {shortened(name)}. Available: {', '.join(names) or 'none'}."
            f"{did_you_mean(name, names)}"
        )
    return installed_packs() / name
