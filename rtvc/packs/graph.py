"""Streaming graphs: what an ONNX graph declares, and the one runner that streams any of them.

How a model streams is decided when it is exported, inside the graph: it takes a step of audio or features and its
state, and gives features or audio and the next state. The runner only hands the state round. A `GraphStage` belongs
to one thread at a time; a `GraphDescription` is immutable.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import onnxruntime

from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError
from rtvc.packs.card import FORMAT, LARGEST_FEATURE_DIM, PACK_AGAIN, check_json, damaged, whole
from rtvc.packs.onnx_file import OnnxFile, Value
from rtvc.packs.runtime import Runtime

METADATA_KEY = "rtvc"

SAMPLE_RATES = (8_000, 192_000)
LONGEST_FRAME_SECONDS = 0.2
LONGEST_LATENCY_SECONDS = 5
LARGEST_STATE_BYTES = 512 * 2**20
"""WavLM-Large's window of 100 frames and six layers of keys and values take 5 MiB."""
MOST_STATES = 10_000
MOST_AXES = 8

Kind = Literal["encoder", "vocoder", "transport"]

MAP_AGAIN = "get the trained map again, or train it again"

_NAMES: dict[Kind, tuple[str, str]] = {
    "encoder": ("audio", "features"),
    "vocoder": ("features", "audio"),
    "transport": ("features", "moved"),
}
"""The input and the output that are no state."""

_FLOAT32 = 1
_TYPES: dict[int, Any] = {_FLOAT32: np.float32, 7: np.int64, 10: np.float16, 11: np.float64}
"""NumPy's type for ONNX's number of an element type."""


@dataclass(frozen=True)
class GraphDescription:
    """What a streaming graph says of itself, in its metadata.

    Attributes
    ----------
    kind
        `encoder`: input `audio [1, hop·n]`, output `features [1, n, feature_dim]`; `vocoder`: the reverse;
        `transport`: from `features` to `moved`, which have the same shape.
    sample_rate, hop, feature_dim
        The audio's sample rate in Hz, samples per frame, dimensions of a feature vector.
    lookahead_frames, delay_samples
        Frames of future that the graph waits for, and the delay in samples that its overlaps add.
    state
        Shape of each state; the graph's inputs are named `state.<name>`, its outputs `next.<name>`. All zeros at
        the start.
    """

    kind: Kind
    sample_rate: int
    hop: int
    feature_dim: int
    lookahead_frames: int
    delay_samples: int
    state: Mapping[str, tuple[int, ...]]

    @property
    def latency(self) -> int:
        """The algorithmic latency in samples."""
        return self.lookahead_frames * self.hop + self.delay_samples

    @property
    def input_name(self) -> str:
        """The name of the input that is no state."""
        return _NAMES[self.kind][0]

    @property
    def output_name(self) -> str:
        """The name of the output that is no state."""
        return _NAMES[self.kind][1]

    def shape(self, name: str, frames: int) -> tuple[int, ...]:
        """Return the shape of the input or output of this name for a step of so many frames."""
        return (1, frames * self.hop) if name == "audio" else (1, frames, self.feature_dim)

    def to_json(self) -> str:
        """Return the text for the graph's metadata."""
        return json.dumps(
            {"format": FORMAT, **vars(self), "state": {name: list(s) for name, s in self.state.items()}}
        )

    @classmethod
    def from_json(cls, text: str, where: str, way_out: str = PACK_AGAIN) -> GraphDescription:
        """Read a graph's metadata; raise `RtvcError` that names `where` if it is damaged or of another version."""
        try:
            values = json.loads(text)
            check_json(values)
            version = whole(values, "format", 1, 2**31)
            if version != FORMAT:
                raise RtvcError(f"{where} has format version {version}, and this program reads version {FORMAT}.")
            kind = values.get("kind")
            if kind not in _NAMES:
                raise ValueError(f"kind must be one of {', '.join(_NAMES)}")
            rate = whole(values, "sample_rate", *SAMPLE_RATES)
            hop = whole(values, "hop", 1, int(LONGEST_FRAME_SECONDS * rate))
            if rate % hop:
                raise ValueError(f"a hop of {hop} samples does not divide a second of {rate}")
            lookahead = whole(values, "lookahead_frames", 0, LONGEST_LATENCY_SECONDS * rate // hop)
            delay = whole(values, "delay_samples", 0, LONGEST_LATENCY_SECONDS * rate)
            dim = whole(values, "feature_dim", 1, LARGEST_FEATURE_DIM)
            return cls(kind, rate, hop, dim, lookahead, delay, _state(values.get("state")))
        except (ValueError, RecursionError) as error:
            raise damaged(where, error, "rtvc metadata", way_out) from None


def read_graph(model: bytes, where: str, kind: Kind) -> tuple[GraphDescription, OnnxFile]:
    """Read what an ONNX file declares, without building a session, and check that it is a graph of this kind.

    Raises
    ------
    RtvcError
        If it is no ONNX file, has parts outside the file, or its inputs and outputs are not those of its metadata.
    """
    way_out = MAP_AGAIN if kind == "transport" else PACK_AGAIN
    try:
        file = OnnxFile.read(model)
    except ValueError as error:
        raise RtvcError(f"{where} is not an ONNX graph ({error}): {way_out}.") from None
    if file.external:
        raise RtvcError(f"{where} keeps weights in another file, which no digest covers: export it as a single file.")
    if METADATA_KEY not in file.metadata:
        raise RtvcError(f"{where} contains no rtvc metadata: it was not exported as a streaming graph.")
    description = GraphDescription.from_json(file.metadata[METADATA_KEY], where, way_out)
    if description.kind != kind:
        raise RtvcError(f"{where} is a graph of kind {description.kind}, not {kind}.")
    _check_signature(description, file, where)
    return description, file


def open_session(model: bytes, where: str, runtime: Runtime) -> onnxruntime.InferenceSession:
    """Build a session; raise `RtvcError` if ONNX Runtime cannot run the graph."""
    providers = runtime.execution_providers()
    try:
        return onnxruntime.InferenceSession(model, runtime.session_options(), providers)
    except Exception as error:  # ONNX Runtime raises many kinds without a common base.
        _cannot_run(where, error)


class GraphStage(Stage):
    """Streams one graph: blocks of audio to features `[n, dim]`, features to audio, or features to features.

    Buffers are allocated once for each step size. Two sets of states change places after every step, so that no
    buffer is read and written at once.

    Parameters
    ----------
    model
        The ONNX file's bytes.
    where
        What to call it in errors.
    kind
        What it must be.
    runtime
        Threads (default: 1) and provider (default: `auto`).

    Raises
    ------
    RtvcError
        If the graph cannot be run, or is another one than its metadata say.
    """

    def __init__(self, model: bytes, where: str, kind: Kind, runtime: Runtime | None = None) -> None:
        self.description, file = read_graph(model, where, kind)
        self._where = where
        self._types = {name: _TYPES[file.inputs[f"state.{name}"].element] for name in self.description.state}
        self._session = open_session(model, where, runtime or Runtime())
        self._device = "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"
        self._states = [
            {name: self._allocate(shape, self._types[name]) for name, shape in self.description.state.items()}
            for _ in range(2)
        ]
        self._bindings: dict[int, list[_Binding]] = {}
        self._turn = 0
        rate, latency = self.description.sample_rate, self.description.latency
        super().__init__(rate, latency, self.description.hop if kind == "encoder" else 1)

    @property
    def provider(self) -> str:
        """Where the graph runs: `cpu` or `cuda`."""
        return self._device

    def reset(self) -> None:
        """Set every state to zeros."""
        for states in self._states:
            for name, value in states.items():
                value.update_inplace(np.zeros(self.description.state[name], self._types[name]))

    def _process(self, block: Block) -> Block:
        frames = len(block) // self.granularity
        try:
            if frames not in self._bindings:
                self._bindings[frames] = [self._bind(frames, turn) for turn in range(2)]
            binding = self._bindings[frames][self._turn]
            binding.source.update_inplace(np.ascontiguousarray(block, np.float32)[None])
            self._session.run_with_iobinding(binding.io)
        except Exception as error:  # ONNX Runtime raises many kinds without a common base.
            _cannot_run(self._where, error)
        self._turn = 1 - self._turn
        # On the CPU `numpy()` is a view of the buffer that the step after next will write.
        output: Block = binding.result.numpy()[0].copy()
        return output

    def _bind(self, frames: int, turn: int) -> _Binding:
        description = self.description
        io = self._session.io_binding()
        source = self._allocate(description.shape(description.input_name, frames), np.float32)
        result = self._allocate(description.shape(description.output_name, frames), np.float32)
        io.bind_ortvalue_input(description.input_name, source)
        io.bind_ortvalue_output(description.output_name, result)
        for name in description.state:
            io.bind_ortvalue_input(f"state.{name}", self._states[turn][name])
            io.bind_ortvalue_output(f"next.{name}", self._states[1 - turn][name])
        return _Binding(io, source, result)

    def _allocate(self, shape: tuple[int, ...], dtype: Any) -> onnxruntime.OrtValue:  # noqa: ANN401
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, dtype), self._device, 0)


@dataclass(frozen=True)
class _Binding:
    io: onnxruntime.IOBinding
    source: onnxruntime.OrtValue
    result: onnxruntime.OrtValue


def _state(shapes: object) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the states; raise `ValueError` if they are none, or too large together."""
    if not isinstance(shapes, dict) or len(shapes) > MOST_STATES:
        raise ValueError(f"state must be an object of at most {MOST_STATES} shapes")
    for name, shape in shapes.items():
        lengths = shape if isinstance(shape, list) and len(shape) <= MOST_AXES else [None]
        if not all(isinstance(length, int) and not isinstance(length, bool) and length > 0 for length in lengths):
            raise ValueError(f"the shape of state {name} must be at most {MOST_AXES} positive whole numbers")
    # Eight bytes an element: the largest type.
    if 8 * sum(math.prod(shape) for shape in shapes.values()) > LARGEST_STATE_BYTES:
        raise ValueError(f"its states need more than {LARGEST_STATE_BYTES // 2**20} MiB")
    return {name: tuple(shape) for name, shape in shapes.items()}


def _check_signature(description: GraphDescription, file: OnnxFile, where: str) -> None:
    """Raise `RtvcError` if the graph's inputs and outputs are not those that its metadata promise."""
    dim = description.feature_dim
    source, result = description.input_name, description.output_name
    steps: dict[str, tuple[int | None, ...]] = {
        name: (1, None) if name == "audio" else (1, None, dim) for name in (source, result)
    }
    inputs = {source: steps[source], **{f"state.{name}": shape for name, shape in description.state.items()}}
    outputs = {result: steps[result], **{f"next.{name}": shape for name, shape in description.state.items()}}
    odd = sorted((file.inputs.keys() ^ inputs.keys()) | (file.outputs.keys() ^ outputs.keys()))
    if odd:
        names = ", ".join(odd[:5]) + (" …" if len(odd) > 5 else "")
        raise RtvcError(f"{where} does not match its metadata: {names} missing or not described.")
    for expected, found in ((inputs, file.inputs), (outputs, file.outputs)):
        for name, shape in expected.items():
            if not _fits(found[name], shape):
                raise RtvcError(
                    f"{where} does not match its metadata: {name} has shape {_shown(found[name].shape)}, not "
                    f"{_shown(shape)}."
                )
    for name in description.state:
        element = file.inputs[f"state.{name}"].element
        if element not in _TYPES or element != file.outputs[f"next.{name}"].element:
            raise RtvcError(f"{where}: state {name} has an element type that this program does not stream.")
    if {file.inputs[source].element, file.outputs[result].element} != {_FLOAT32}:
        raise RtvcError(f"{where} does not use float32 for inputs and outputs.")


def _fits(value: Value, shape: tuple[int | None, ...]) -> bool:
    """Tell whether a declared shape agrees with the one wanted, where both say a length."""
    return len(value.shape) == len(shape) and all(
        declared is None or wanted is None or declared == wanted
        for declared, wanted in zip(value.shape, shape, strict=True)
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("n" if length is None else str(length) for length in shape) + "]"


def _cannot_run(where: str, error: Exception) -> NoReturn:
    lines = str(error).splitlines() or [type(error).__name__]
    raise RtvcError(f"{where} is not a graph that ONNX Runtime can run ({lines[0][:200]}).") from None
