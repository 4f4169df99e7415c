"""Model packs: a folder with a card and two streaming graphs, and the one runner that streams any of them.

How a model streams is decided when it is exported, inside the graph: a graph takes a step of audio or features and
its state, and gives features or audio and the next state. The runner only hands the state round. A `GraphStage`
belongs to one thread at a time; a `ModelPack` is immutable and may be shared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import onnxruntime
from platformdirs import user_data_path

from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError
from rtvc.packs.runtime import Runtime
from rtvc.voices.statistics import FeatureRoles, FeatureStatistics

FORMAT = 1
METADATA_KEY = "rtvc"
CARD = "card.json"
ENCODER = "encoder.onnx"
VOCODER = "vocoder.onnx"
STATISTICS = "statistics.npz"

Kind = Literal["encoder", "vocoder"]

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(float16)": np.float16,
}


@dataclass(frozen=True)
class GraphDescription:
    """What a streaming graph says of itself, in its metadata.

    Attributes
    ----------
    kind
        `encoder`: input `audio [1, hop·n]`, output `features [1, n, feature_dim]`; `vocoder`: the reverse.
    sample_rate, hop, feature_dim
        Samples a second of the audio side, samples a frame, dimensions of a feature vector.
    lookahead_frames, delay_samples
        Frames of future that the graph waits for, and samples by which its overlap-add delays besides.
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
    def frame_rate(self) -> int:
        """Frames a second."""
        return self.sample_rate // self.hop

    def to_json(self) -> str:
        """Return the text for the graph's metadata."""
        return json.dumps(
            {"format": FORMAT, **vars(self), "state": {name: list(s) for name, s in self.state.items()}}
        )

    @classmethod
    def from_json(cls, text: str | None, where: str) -> GraphDescription:
        """Read a graph's metadata; raise `RtvcError` that names `where` if it is missing or of another version."""
        if text is None:
            raise RtvcError(
                f"{where} carries no rtvc metadata: it was not exported as a streaming graph of a model pack."
            )
        try:
            values = json.loads(text)
            version = values.pop("format")
            values["state"] = {name: tuple(shape) for name, shape in values["state"].items()}
            description = cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RtvcError(f"{where} has damaged rtvc metadata: fetch or build the model pack again.") from None
        if version != FORMAT:
            raise RtvcError(f"{where} has format version {version}, and this program reads version {FORMAT}.")
        return description


class GraphStage(Stage):
    """Streams one graph: blocks of audio to features `[n, dim]`, or features to audio.

    Buffers are allocated once for each step size; the states change places after every step, so that no buffer is
    read and written at once.

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
    """

    def __init__(self, model: bytes, where: str, kind: Kind, runtime: Runtime | None = None) -> None:
        runtime = runtime or Runtime()
        providers = runtime.execution_providers()
        try:
            self._session = onnxruntime.InferenceSession(model, runtime.session_options(), providers)
        except Exception as error:  # ONNX Runtime raises many kinds, all without a common base.
            raise RtvcError(f"{where} is not a graph that ONNX Runtime can run ({_first_line(error)}).") from None
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.description = description = GraphDescription.from_json(metadata.get(METADATA_KEY), where)
        if description.kind != kind:
            raise RtvcError(f"{where} is a graph of kind {description.kind}, not {kind}.")
        self._device = "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"
        encodes = kind == "encoder"
        self._input, self._output = ("audio", "features") if encodes else ("features", "audio")
        self._check_signature(where)
        self._states = [
            {name: self._allocate(shape, self._types[f"state.{name}"]) for name, shape in description.state.items()}
            for _ in range(2)
        ]
        self._bindings: dict[int, list[_Binding]] = {}
        self._turn = 0
        rate, latency = description.sample_rate, description.latency
        super().__init__(rate, latency, description.hop if encodes else 1)

    @property
    def provider(self) -> str:
        """Where the graph runs: `cpu` or `cuda`."""
        return self._device

    def reset(self) -> None:
        """Silence every state."""
        for states in self._states:
            for name, value in states.items():
                value.update_inplace(np.zeros(self.description.state[name], self._types[f"state.{name}"]))

    def _process(self, block: Block) -> Block:
        description = self.description
        frames = len(block) // self.granularity
        if frames not in self._bindings:
            self._bindings[frames] = [self._bind(frames, turn) for turn in range(2)]
        binding = self._bindings[frames][self._turn]
        binding.source.update_inplace(np.ascontiguousarray(block, np.float32)[None])
        self._session.run_with_iobinding(binding.io)
        self._turn = 1 - self._turn
        # On the CPU `numpy()` is a view of the buffer that the step after next will write.
        output: Block = binding.result.numpy().copy()
        return output.reshape((frames, description.feature_dim) if self._output == "features" else -1)

    def _bind(self, frames: int, turn: int) -> _Binding:
        description = self.description
        audio, features = (1, frames * description.hop), (1, frames, description.feature_dim)
        encodes = self._input == "audio"
        io = self._session.io_binding()
        source = self._allocate(audio if encodes else features, np.float32)
        result = self._allocate(features if encodes else audio, np.float32)
        io.bind_ortvalue_input(self._input, source)
        io.bind_ortvalue_output(self._output, result)
        for name in description.state:
            io.bind_ortvalue_input(f"state.{name}", self._states[turn][name])
            io.bind_ortvalue_output(f"next.{name}", self._states[1 - turn][name])
        return _Binding(io, source, result)

    def _allocate(self, shape: tuple[int, ...], dtype: Any) -> onnxruntime.OrtValue:  # noqa: ANN401
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, dtype), self._device, 0)

    def _check_signature(self, where: str) -> None:
        """Refuse a graph whose inputs and outputs are not those that its metadata promise."""
        description = self.description
        inputs = {value.name: value for value in self._session.get_inputs()}
        outputs = {value.name: value for value in self._session.get_outputs()}
        wanted_inputs = {self._input, *(f"state.{name}" for name in description.state)}
        wanted_outputs = {self._output, *(f"next.{name}" for name in description.state)}
        if set(inputs) != wanted_inputs or set(outputs) != wanted_outputs:
            odd = sorted((set(inputs) ^ wanted_inputs) | (set(outputs) ^ wanted_outputs))
            raise RtvcError(f"{where} does not match its metadata: {', '.join(odd)} missing or not described.")
        self._types = {name: _TYPES.get(value.type) for name, value in inputs.items()}
        for name, shape in description.state.items():
            value = inputs[f"state.{name}"]
            if list(value.shape) != list(shape) or self._types[value.name] is None:
                raise RtvcError(
                    f"{where} does not match its metadata: {value.name} has shape {value.shape}, not {list(shape)}."
                )
        dim = (inputs if self._input == "features" else outputs)["features"].shape[-1]
        if isinstance(dim, int) and dim != description.feature_dim:
            raise RtvcError(
                f"{where} has features of {dim} dimensions, and its metadata say {description.feature_dim}."
            )


@dataclass(frozen=True)
class _Binding:
    io: onnxruntime.IOBinding
    source: onnxruntime.OrtValue
    result: onnxruntime.OrtValue


class ModelPack:
    """A model pack on disk, verified: every file has the digest that its card names.

    Parameters
    ----------
    folder
        Where `card.json` and the graphs lie.
    runtime
        How to run the graphs; the card's defaults fill in what it leaves open.

    Raises
    ------
    RtvcError
        If the card or a file is missing, damaged, of another version, or has another digest.
    """

    def __init__(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.folder = folder
        where = folder / CARD
        try:
            self.card: dict[str, Any] = json.loads(where.read_text(encoding="utf-8"))
            version = self.card["format"]
            self.name: str = self.card["name"]
            self._digests = {name: entry["sha256"] for name, entry in self.card["files"].items()}
            roles = self.card["roles"]
            cepstra = roles.get("cepstra")
            if cepstra is not None:
                first, end = cepstra
                cepstra = (int(first), int(end))
            self.roles = FeatureRoles(roles.get("pitch"), roles.get("voicing"), cepstra)
            self.defaults: dict[str, Any] = self.card["defaults"]
            self.level_dbfs: float = float(self.card["level_dbfs"])
            self.runtime = self._bind(runtime or Runtime())
        except FileNotFoundError:
            raise RtvcError(f"{folder} is not a model pack: it has no {CARD}.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RtvcError(
                f"{where} is damaged ({_first_line(error)}): fetch or build the model pack again."
            ) from None
        if version != FORMAT:
            raise RtvcError(f"{where} has format version {version}, and this program reads version {FORMAT}.")
        for required in (ENCODER, VOCODER, STATISTICS):
            if required not in self._digests:
                raise RtvcError(f"{where} names no digest for {required}: fetch or build the model pack again.")
        self._contents = {name: self._read(name) for name in (ENCODER, VOCODER, STATISTICS)}
        checked = self.bound(Runtime(provider="cpu"))
        encoder, vocoder = checked.encoder().description, checked.vocoder().description
        for attribute in ("sample_rate", "hop", "feature_dim"):
            one, other = getattr(encoder, attribute), getattr(vocoder, attribute)
            if one != other:
                raise RtvcError(f"The graphs of model pack {self.name} do not fit: {attribute} is {one} and {other}.")
        self.sample_rate, self.hop, self.feature_dim = encoder.sample_rate, encoder.hop, encoder.feature_dim
        self.lookahead_frames = encoder.lookahead_frames
        self.roles.check(self.feature_dim)
        if self.population.dim != self.feature_dim or self.population.roles != self.roles:
            raise RtvcError(f"The statistics of model pack {self.name} do not fit its graphs.")

    @property
    def frame_rate(self) -> int:
        """Frames a second."""
        return self.sample_rate // self.hop

    @property
    def digest(self) -> str:
        """A digest of all graphs: features and statistics are only worth something under the pack that made them."""
        return hashlib.sha256("".join(sorted(self._digests.values())).encode()).hexdigest()

    def bound(self, runtime: Runtime) -> ModelPack:
        """Return this pack bound to another runtime; no file is read again."""
        pack = copy(self)
        pack.runtime = self._bind(runtime)
        return pack

    def encoder(self) -> GraphStage:
        """Return a fresh encoder stage: audio `[hop·n]` to features `[n, feature_dim]`."""
        return self._stage(ENCODER, "encoder")

    def vocoder(self) -> GraphStage:
        """Return a fresh vocoder stage: features `[n, feature_dim]` to audio `[hop·n]`."""
        return self._stage(VOCODER, "vocoder")

    @cached_property
    def population(self) -> FeatureStatistics:
        """Statistics of many speakers' features: what is assumed of a speaker not yet heard."""
        try:
            with np.load(BytesIO(self._contents[STATISTICS]), allow_pickle=False) as arrays:
                return FeatureStatistics.from_arrays(dict(arrays))
        except (ValueError, OSError, BadZipFile):
            raise RtvcError(f"{self.folder / STATISTICS} is damaged: fetch or build the model pack again.") from None

    def _bind(self, runtime: Runtime) -> Runtime:
        return runtime.or_else(Runtime(self.defaults.get("threads", 1), self.defaults.get("provider", "auto")))

    def _stage(self, name: str, kind: Kind) -> GraphStage:
        return GraphStage(self._contents[name], str(self.folder / name), kind, self.runtime)

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RtvcError(
                f"{path} cannot be read ({error.strerror}): fetch or build the model pack again."
            ) from None
        if hashlib.sha256(content).hexdigest() != self._digests[name]:
            raise RtvcError(
                f"{path} does not have the digest that its card names: fetch or build the model pack again."
            )
        return content


def find_pack(name: str, runtime: Runtime | None = None) -> ModelPack:
    """Open a pack by the name of an embedded or installed one, or by its folder, to be run as `runtime` says."""
    for folder in (embedded_packs(), installed_packs()):
        if name in pack_names(folder):
            return ModelPack(folder / name, runtime)
    if (Path(name) / CARD).is_file():
        return ModelPack(Path(name), runtime)
    known = [*pack_names(embedded_packs()), *pack_names(installed_packs())]
    raise RtvcError(
        f"There is no model pack {name!r}: choose one of {', '.join(known)}, name a folder with a {CARD}, or "
        "make one with `rtvc models build`; `rtvc models list` shows which."
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


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
