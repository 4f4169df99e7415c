"""Words for the transports and for K."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gui.language import tr, tr_noop


@dataclass(frozen=True)
class TransportWords:
    """What a transport is called, and when to choose it."""

    name: str
    sentence: str


_TRANSPORTS = {
    "mkl": TransportWords(tr_noop("MKL (default)"), tr_noop("Clear and steady. Works with every voice.")),
    "knn": TransportWords(
        tr_noop("kNN"),
        tr_noop(
            "Replaces your sounds with the recording's own. Needs a minute or more of recording; less clear than MKL."
        ),
    ),
    "sinkhorn": TransportWords(
        tr_noop("Sinkhorn"), tr_noop("Closer than MKL with a minute or more of recording; less clear.")
    ),
    "flow": TransportWords(
        tr_noop("Flow matching"),
        tr_noop("Trains a small network for about 30 s, once for each pair of voices."),
    ),
}


def transport_words(name: str) -> TransportWords:
    """Return the words for a transport, or for a trained map such as `not:Iris`."""
    words = _TRANSPORTS.get(name)
    if words is not None:
        return TransportWords(tr(words.name), tr(words.sentence))
    system, _, trained = name.partition(":")
    return TransportWords(f"{system.upper()}: {trained}", tr("A map trained for this voice only."))


def block_sizes(learned_dim: int) -> tuple[int, ...]:
    """Return the values of K that the slider offers: powers of two below `learned_dim`, and `learned_dim` itself."""
    sizes = []
    size = 1
    while size < learned_dim:
        sizes.append(size)
        size *= 2
    return (*sizes, learned_dim)


def nearest_block_size(sizes: Sequence[int], wanted: int) -> int:
    """Return the index of the size nearest to `wanted`, by ratio."""
    return min(range(len(sizes)), key=lambda index: max(sizes[index], wanted) / min(sizes[index], wanted), default=0)
