"""Training of transports, which takes PyTorch. Everything runs on the calling thread."""

from __future__ import annotations

from collections.abc import Sequence

from rtvc.errors import RtvcError


def train_map(arguments: Sequence[str]) -> None:
    """Train a transport as the words of a command line say: those of `python -m models.training.transports`.

    Raises
    ------
    RtvcError
        If PyTorch is missing, or a recording or the pack cannot be used.
    SystemExit
        If the arguments make no sense, after printing why; or once the help is printed.
    """
    try:
        from models.training.transports import main
    except ImportError as error:
        raise RtvcError(
            f"Training a map needs PyTorch ({error}): install rtvc from its source with the extra `train`."
        ) from None
    main(arguments, "rtvc transports train")
