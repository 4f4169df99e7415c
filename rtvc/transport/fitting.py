"""Fitting of the chosen map with the pack's defaults, caching of maps that take long to fit, and trained maps.

Runs off the audio path: on the map fitter's thread when live, on the calling thread for files.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.transport import KEPT, Transport, fit, is_usable
from rtvc.transport.cache import cache_path, read_map, write_map
from rtvc.transport.choice import MapChoice
from rtvc.transport.mkl import check_pair
from rtvc.transport.trained import TrainedTransport
from rtvc.transport.trained_maps import MapLibrary


def fit_map(
    pack: ModelPack,
    source: FeatureSet,
    target: FeatureSet,
    choice: MapChoice,
    folder: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
    *,
    voice: str | None = None,
    former: Transport | None = None,
    **options: Any,  # noqa: ANN401
) -> Transport:
    """Fit the chosen map from the source voice to the target. The strength is applied later, frame by frame.

    Of a trained map, the map of pitch is fitted, and MKL where the map was trained behind it.

    Parameters
    ----------
    pack
        The model pack; it supplies the default block size.
    source, target
        Features of both voices.
    choice
        Transport and block size.
    folder
        Where maps of the transports in `rtvc.transport.KEPT` are cached. A cached map is reused if frames,
        statistics, options and pack are the same. None for no cache.
    progress
        Called with the share done, 0 … 1, on the calling thread, for transports with a long fit. An exception that it
        raises ends the fit.
    voice
        Name of the target, which a trained map must lead to; None to leave that unchecked.
    former
        The map in use. A trained map that is asked for again is fitted to the speaker and returned, so that its
        streaming state survives.
    options
        Further options of the transport's own fit function.

    Raises
    ------
    RtvcError
        If the choice is out of range, a voice holds too little speech, or the map is not usable.
    """
    choice.check()
    if choice.trained:
        return _trained_map(pack, source, target, choice.transport, voice, former)
    if choice.transport == "mkl":
        defaults = pack.defaults
        options = {"block_size": choice.block_size or defaults.block_size, "overdrive": defaults.overdrive, **options}
    if choice.transport not in KEPT:
        return fit(choice.transport, source, target, **options)
    path = None
    if folder is not None:
        path = cache_path(folder, choice.transport, pack, source, target, options)
        if (cached := read_map(path, choice.transport, source.statistics.dim)) is not None:
            return cached
    fitted = fit(choice.transport, source, target, progress=progress, **options)
    if path is not None:
        assert isinstance(fitted, KEPT[choice.transport])
        # On a full or read-only disk the map is fitted again next time.
        with suppress(RtvcError):
            write_map(path, fitted.to_arrays())
    return fitted


def _trained_map(
    pack: ModelPack, source: FeatureSet, target: FeatureSet, name: str, voice: str | None, former: Transport | None
) -> TrainedTransport:
    check_pair(source.statistics, target.statistics)
    in_use = former if isinstance(former, TrainedTransport) and former.name == name else None
    trained = in_use or MapLibrary().open(name, pack)
    if voice is not None and voice != trained.card.voice:
        raise RtvcError(
            f"The trained map {name} converts only to the voice {trained.card.voice}, not to {voice}: choose that "
            "voice, or another transport."
        )
    trained.fit(source.statistics, target.statistics)
    if in_use is None and not is_usable(trained, source.statistics, target.statistics):
        raise RtvcError(f"The trained map {name} does not produce usable values: train it again.")
    return trained
