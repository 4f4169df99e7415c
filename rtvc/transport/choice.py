"""The user's choice of map: transport, block size and strength.

Immutable; may cross threads.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtvc.errors import RtvcError
from rtvc.names import did_you_mean
from rtvc.transport import FITS
from rtvc.transport.trained_maps import check_map_name, is_trained


@dataclass(frozen=True)
class MapChoice:
    """Which map moves the speaker's features to the target's, and how far.

    Values come from files and users and are not checked on construction; `check` refuses those out of range.

    Attributes
    ----------
    transport
        Name of the transport in `rtvc.transport.FITS`, or of a trained map, such as `not:Iris`.
    block_size
        K of MKL, at least 1; None for the pack's default. Other transports ignore it.
    strength
        0 (the speaker's own voice) … 1 (the target's).
    """

    transport: str = "mkl"
    block_size: int | None = None
    strength: float = 1.0

    @property
    def trained(self) -> bool:
        """Whether the transport is a trained map."""
        return is_trained(self.transport)

    def check(self) -> None:
        """Raise `RtvcError` if the transport is unknown or a number is out of range."""
        if self.trained:
            check_map_name(self.transport)
        elif self.transport not in FITS:
            raise RtvcError(
                f"There is no transport named {self.transport!r}: choose one of {', '.join(FITS)}, or a trained map."
                f"{did_you_mean(self.transport, FITS)}"
            )
        if self.block_size is not None and self.block_size < 1:
            raise RtvcError(f"The block size must be at least 1, not {self.block_size}.")
        if not 0 <= self.strength <= 1:
            raise RtvcError(f"The strength must be from 0 to 1, not {self.strength}.")
