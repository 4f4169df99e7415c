"""What an ONNX file declares, read without building a session: metadata, inputs, outputs, and whether it is whole.

ONNX Runtime needs up to seconds to build a session, and reads weights that a file places elsewhere from the current
directory, where no digest covers them. This module walks the file's Protocol Buffers fields
(protobuf.dev/programming-guides/encoding, onnx.proto3 of ONNX) and copies no weights. Everything runs on the calling
thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rtvc.names import shortened

DEEPEST = 64
"""Levels of nested messages; a graph within a graph takes three. Exported packs need 5."""

MOST_FIELDS = 2**18
"""Fields read in all: about 1 s. The graphs of `mini` have up to 8,400; 100 MB of tiny fields would take minutes."""

# Which fields of a message hold messages that can hold tensors, from the model down to them.
_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL = {13, 14}
"""A tensor's fields `external_data` and `data_location`."""


@dataclass(frozen=True)
class Value:
    """An input or output: its element type by ONNX's number, and its shape; None for a length that varies."""

    element: int
    shape: tuple[int | None, ...]


@dataclass
class OnnxFile:
    """The declarations of a model.

    Attributes
    ----------
    metadata
        The model's `metadata_props`.
    inputs, outputs
        By name; an initializer that is listed as an input counts as none.
    external
        Whether a tensor's data lie outside the file.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    external: bool = False

    @classmethod
    def read(cls, content: bytes) -> OnnxFile:
        """Read a model; raise `ValueError` if the bytes are not one."""
        found = cls()
        reader = _Reader()
        initializers: set[str] = set()
        graphs = 0
        for number, value in reader.fields(memoryview(content)):
            if number == 14:
                key, text = reader.texts(value, 1, 2)
                if key in found.metadata:
                    raise ValueError(f"the metadata name {shortened(key)} twice")
                found.metadata[key] = text
            elif number == 7:
                graphs += 1
                for part, inner in reader.fields(_message(value)):
                    if part in (11, 12):
                        name, declared = reader.value_info(_message(inner))
                        (found.inputs if part == 11 else found.outputs)[name] = declared
                    elif part == 5:
                        initializers.update(reader.texts(inner, 8))
        if graphs != 1:
            raise ValueError("it contains no graph")
        found.inputs = {name: value for name, value in found.inputs.items() if name not in initializers}
        found.external = reader.external(memoryview(content), "model", 0)
        return found


class _Reader:
    """Reads the messages of one file, and gives up after `MOST_FIELDS` fields."""

    def __init__(self) -> None:
        self._left = MOST_FIELDS

    def external(self, message: memoryview, kind: str, depth: int) -> bool:
        """Tell whether a tensor in a message of this kind, however deep, places its data outside the file."""
        if depth > DEEPEST:
            raise ValueError(f"its messages are nested more than {DEEPEST} levels deep")
        nested = _NESTED[kind]
        for number, value in self.fields(message):
            if kind == "tensor" and number in _EXTERNAL and value:
                return True
            if number in nested and self.external(_message(value), nested[number], depth + 1):
                return True
        return False

    def value_info(self, message: memoryview) -> tuple[str, Value]:
        (name,) = self.texts(message, 1)
        if not name.isprintable():
            raise ValueError("an input or output has control characters in its name")
        element, shape = 0, []
        for tensor in self.submessages(self.last(message, 2), 1):
            for number, value in self.fields(tensor):
                if number == 1 and isinstance(value, int):
                    element = value
                elif number == 2:
                    shape = [self.length(dimension) for dimension in self.submessages(_message(value), 1)]
        return name, Value(element, tuple(shape))

    def length(self, dimension: memoryview) -> int | None:
        length = None
        for number, value in self.fields(dimension):
            if number == 1 and isinstance(value, int):
                length = value
        return length

    def texts(self, message: int | memoryview, *numbers: int) -> tuple[str, ...]:
        """Return string fields of a message; those that it lacks are empty."""
        found: Mapping[int, int | memoryview] = dict(self.fields(_message(message)))
        return tuple(str(_message(found.get(number, memoryview(b""))), "utf-8") for number in numbers)

    def submessages(self, message: memoryview, number: int) -> Iterator[memoryview]:
        return (_message(value) for found, value in self.fields(message) if found == number)

    def last(self, message: memoryview, number: int) -> memoryview:
        return [memoryview(b""), *self.submessages(message, number)][-1]

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Yield the number and value of each field of a message, in order; raise `ValueError` where it is damaged.

        Strings, messages and numbers of fixed size are given as their bytes.
        """
        at = 0
        while at < len(message):
            key, at = _varint(message, at)
            number, wire = key >> 3, key & 7
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"it has more than {MOST_FIELDS} fields")
            if wire == 0:
                value, at = _varint(message, at)
                yield number, value
                continue
            if wire == 2:
                length, at = _varint(message, at)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                raise ValueError(f"it has a field of the unknown wire type {wire}")
            if at + length > len(message):
                raise ValueError("it is cut off")
            yield number, message[at : at + length]
            at += length


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a message is a number")
    return value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("it is cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ValueError("it has a number of more than 10 bytes")
