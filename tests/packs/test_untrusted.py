"""Packs as untrusted input: each is refused with a sentence, or opened and right."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.external_data_helper import convert_model_to_external_data

from rtvc.errors import RtvcError
from rtvc.packs.card import CARD, ENCODER, STATISTICS, VOCODER
from rtvc.packs.graph import METADATA_KEY, read_graph
from rtvc.packs.onnx_file import OnnxFile
from rtvc.packs.pack import ModelPack
from tests.support.mutate import mutants, text_mutants
from tests.support.packs import identity_pack

resource = pytest.importorskip("resource", reason="measures memory through POSIX")

LONGEST_SECONDS = 10
LARGEST_BYTES = 500e6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return identity_pack(tmp_path / "pack").folder


def sign(folder: Path) -> None:
    """Make the card's digests those of the files as they are."""
    card = json.loads((folder / CARD).read_text())
    for name in (ENCODER, VOCODER, STATISTICS):
        card["files"][name] = {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
    (folder / CARD).write_text(json.dumps(card))


def peak_bytes() -> int:
    """The most memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def survives(use: Callable[[], object]) -> None:
    """Use damaged input within the limit of time: it works, or it is refused with a printable sentence."""
    began = time.perf_counter()
    try:
        use()
    except RtvcError as error:
        refused = str(error)
        assert refused.isprintable()
    assert time.perf_counter() - began < LONGEST_SECONDS


def damaged_cards(folder: Path, count: int) -> None:
    text = (folder / CARD).read_text()
    for mutant in text_mutants(text, count):
        (folder / CARD).write_text(mutant, errors="replace")
        survives(lambda: ModelPack(folder))


def damaged_graphs(folder: Path, count: int) -> None:
    content = (folder / ENCODER).read_bytes()
    weights = onnx.load_model_from_string(content).graph.initializer[2].raw_data
    start = content.index(weights)
    end = start + len(weights)
    # The weights are most of the file, and any numbers will do there.
    heads = mutants(content[:start], count)
    tails = mutants(content[end:], count, seed=1)
    for head, tail in zip(heads, tails, strict=True):
        for mutant in (head + content[start:], content[:end] + tail):
            survives(lambda mutant=mutant: read_graph(mutant, ENCODER, "encoder"))  # type: ignore[misc]


def damaged_metadata(folder: Path, count: int) -> None:
    model = onnx.load(folder / ENCODER)
    text = model.metadata_props[0].value
    for mutant in text_mutants(text, count):
        if not mutant.isascii():
            continue
        onnx.helper.set_model_props(model, {METADATA_KEY: mutant})
        onnx.save(model, folder / ENCODER)
        sign(folder)
        survives(lambda: ModelPack(folder))


def damaged_statistics(folder: Path, count: int) -> None:
    content = (folder / STATISTICS).read_bytes()
    directory = len(content) - 600
    for header, end in zip(
        mutants(content, count, within=700), mutants(content[directory:], count, seed=1), strict=True
    ):
        for mutant in (header, content[:directory] + end):
            (folder / STATISTICS).write_bytes(mutant)
            sign(folder)
            survives(lambda: ModelPack(folder))


PARTS = [damaged_cards, damaged_graphs, damaged_metadata, damaged_statistics]


@pytest.mark.parametrize("damage", PARTS)
def test_damage_ends_in_a_sentence_or_an_open_pack(folder: Path, damage: Callable[[Path, int], None]) -> None:
    before = peak_bytes()
    damage(folder, 60)
    assert peak_bytes() - before < LARGEST_BYTES


@pytest.mark.fuzz
@pytest.mark.parametrize("damage", PARTS)
def test_much_damage_ends_in_a_sentence_or_an_open_pack(folder: Path, damage: Callable[[Path, int], None]) -> None:
    before = peak_bytes()
    damage(folder, 2000)
    assert peak_bytes() - before < LARGEST_BYTES


def test_weights_outside_the_file_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.load(folder / ENCODER)
    convert_model_to_external_data(model, location="leak.bin", size_threshold=0)
    onnx.save(model, folder / ENCODER)
    assert (folder / "leak.bin").is_file()
    sign(folder)
    # ONNX Runtime reads such weights from the current directory.
    monkeypatch.chdir(folder)
    with pytest.raises(RtvcError, match=r"encoder.onnx keeps weights in another file"):
        ModelPack(folder)


def test_weights_outside_the_file_are_found_in_attributes_and_branches() -> None:
    outside = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL, data_type=1, dims=[1])
    outside.external_data.add(key="location", value="leak.bin")
    constant = onnx.helper.make_node("Constant", [], ["c"], value=outside)
    branch = onnx.helper.make_graph([constant], "branch", [], [])
    condition = onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    for node, external in ((constant, True), (condition, True), (onnx.helper.make_node("Abs", ["x"], ["y"]), False)):
        model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], []))
        assert OnnxFile.read(model.SerializeToString()).external == external


def test_a_graph_of_endless_fields_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (folder / ENCODER).read_bytes()
    OnnxFile.read(content)
    monkeypatch.setattr("rtvc.packs.onnx_file.MOST_FIELDS", 1_000)
    with pytest.raises(ValueError, match="more than 1000 fields"):
        OnnxFile.read(content + b"\x0a\x00" * 1_000)


def test_names_with_control_characters_are_refused(folder: Path) -> None:
    content = (folder / ENCODER).read_bytes()
    (folder / ENCODER).write_bytes(content.replace(b"state.past", b"state.\x7fast"))
    sign(folder)
    with pytest.raises(RtvcError, match="control characters") as refused:
        ModelPack(folder)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "values",
    [
        {"hop": 0},
        {"hop": 321},
        {"hop": -320},
        {"hop": 10**400},
        {"hop": True},
        {"hop": 320.0},
        {"sample_rate": 1},
        {"sample_rate": 10**9},
        {"lookahead_frames": 10_000},
        {"delay_samples": -1},
        {"feature_dim": 10**6},
        {"state": {"past": [1, 2**20, 2**20]}},
        {"state": {"past": [1, 1, -322]}},
        {"state": {"past": "long"}},
        {"state": [1]},
        {"kind": "\x1b[31m"},
        {"kind": None},
    ],
    ids=str,
)
def test_metadata_out_of_range_are_refused(folder: Path, values: dict[str, object]) -> None:
    model = onnx.load(folder / ENCODER)
    metadata = {**json.loads(model.metadata_props[0].value), **values}
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata)})
    onnx.save(model, folder / ENCODER)
    sign(folder)
    with pytest.raises(RtvcError, match=r"encoder.onnx has damaged rtvc metadata") as refused:
        ModelPack(folder)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "values",
    [
        {"defaults": {}},
        {"defaults": {"block_size": -4}},
        {"defaults": {"block_size": "16"}},
        {"defaults": {"block_size": 2, "threads": 100_000}},
        {"defaults": {"block_size": 2, "step": 0}},
        {"defaults": {"block_size": 2, "provider": "toaster"}},
        {"defaults": {"block_size": 2, "overdrive": 0.5}},
        {"defaults": {"block_size": 2, "overdrive": float("inf")}},
        {"level_dbfs": 1e300},
        {"level_dbfs": "loud"},
        {"level_dbfs": True},
        {"name": "../mini"},
        {"name": "\x1b[2J"},
        {"description": "a\x9b31mb"},
        {"licence": 3},
        {"roles": []},
        {"roles": {"pitch": -1}},
        {"files": {"../encoder.onnx": {"sha256": "0" * 64}}},
        {"weight_bits": 99, "settings": {"precision": "int8"}},
        {"settings": 3},
    ],
    ids=str,
)
def test_a_card_out_of_range_is_refused(folder: Path, values: dict[str, object]) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **values}))
    with pytest.raises(RtvcError, match=r"card.json is damaged") as refused:
        ModelPack(folder)
    assert str(refused.value).isprintable()


def test_a_deep_card_is_refused(folder: Path) -> None:
    text = (folder / CARD).read_text()
    for depth in (20, 100_000):
        (folder / CARD).write_text(text[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}")
        with pytest.raises(RtvcError, match=r"card.json is damaged"):
            ModelPack(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", [CARD, ENCODER, STATISTICS])
def test_a_named_pipe_is_no_file_of_a_pack(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(RtvcError, match="not a regular file"):
        ModelPack(folder)


def test_a_graph_that_cannot_run_says_so(folder: Path) -> None:
    model = onnx.load(folder / ENCODER)
    for value in model.graph.initializer:
        if value.name == "frame_shape":
            value.CopyFrom(onnx.numpy_helper.from_array(np.array([1, -1, 7]), "frame_shape"))
    onnx.save(model, folder / ENCODER)
    sign(folder)
    with pytest.raises(RtvcError, match=r"encoder.onnx is not a graph that ONNX Runtime can run"):
        ModelPack(folder).encoder()
