"""Whether this processor multiplies 8-bit integers exactly.

On processors that have AVX2 but not VNNI (most AMD before Zen 4, most Intel before Ice Lake), ONNX Runtime multiplies
unsigned activations by signed 8-bit weights with `vpmaddubsw`. That instruction adds pairs of products in 16 bits and
saturates: 2 · 255 · 127 becomes 32,767. Weights of 7 bits cannot overflow it: 2 · 255 · 64 = 32,640.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rtvc.packs.graph import open_session
from rtvc.packs.runtime import Runtime

_ROWS = 4


@cache
def saturates() -> bool:
    """Tell whether ONNX Runtime's product of uint8 and int8 saturates here; measured once, in about 1 ms."""
    session = open_session(_largest_product(), "the test of 8-bit products", Runtime(1, "cpu"))
    largest = np.full((1, _ROWS), 255, np.uint8)
    return int(session.run(None, {"a": largest})[0][0, 0]) != _ROWS * 255 * 127


def _largest_product() -> bytes:
    """Return an ONNX model that multiplies uint8 `a` `[1, 4]` by four weights of 127."""
    weights = _number(1, _ROWS) + _number(1, 1) + _number(2, 3) + _bytes(8, b"b") + _bytes(9, b"\x7f" * _ROWS)
    node = _bytes(1, b"a") + _bytes(1, b"b") + _bytes(2, b"y") + _bytes(4, b"MatMulInteger")
    graph = _bytes(1, node) + _bytes(2, b"g") + _bytes(5, weights)
    graph += _bytes(11, _value(b"a", 2, _ROWS)) + _bytes(12, _value(b"y", 6, 1))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 17))


def _value(name: bytes, element: int, columns: int) -> bytes:
    """Return the declaration of a matrix with one row."""
    shape = b"".join(_bytes(1, _number(1, length)) for length in (1, columns))
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    """Return a Protocol Buffers field that holds a number below 128."""
    return bytes([field << 3, value])


def _bytes(field: int, content: bytes) -> bytes:
    """Return a Protocol Buffers field that holds fewer than 16,384 bytes."""
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([field << 3 | 2]) + size + content
