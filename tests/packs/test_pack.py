import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.packs.card import CARD, ENCODER, STATISTICS, VOCODER
from rtvc.packs.graph import METADATA_KEY
from rtvc.packs.pack import ModelPack, embedded_packs, find_pack
from rtvc.packs.runtime import Runtime, cuda_works
from tests.support.packs import identity_pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return identity_pack(tmp_path / "pack").folder


def noise(frames: int, hop: int, seed: int = 0) -> Block:
    return (0.1 * np.random.default_rng(seed).standard_normal(frames * hop)).astype(np.float32)


def change_card(folder: Path, **values: object) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **values}))


def sign(folder: Path) -> None:
    """Make the card's digests those of the files as they are."""
    names = (ENCODER, VOCODER, STATISTICS)
    files = {name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()} for name in names}
    change_card(folder, files=files)


def change_graph(folder: Path, name: str, **values: object) -> None:
    """Change a graph's metadata; a value of None removes them all."""
    model = onnx.load(folder / name)
    metadata = json.loads(model.metadata_props[0].value)
    del model.metadata_props[:]
    if None not in values.values():
        onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps({**metadata, **values})})
    onnx.save(model, folder / name)
    sign(folder)


def test_sizes_come_from_the_graphs(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "odd", sample_rate=24_000, hop=480)
    assert (pack.sample_rate, pack.hop, pack.feature_dim, pack.frame_rate) == (24_000, 480, 482, 50)
    assert pack.encoder().process(noise(3, 480)).shape == (3, 482)


def test_results_do_not_change_when_later_steps_run(folder: Path) -> None:
    encoder = ModelPack(folder).encoder()
    first = encoder.process(noise(2, 320))
    kept = first.copy()
    for seed in range(4):
        encoder.process(noise(2, 320, seed))
    np.testing.assert_array_equal(first, kept)


def test_reset_equals_fresh_after_an_odd_number_of_steps(folder: Path) -> None:
    pack = ModelPack(folder)
    sound = noise(4, 320)
    encoder = pack.encoder()
    fresh = encoder.process(sound)
    for _ in range(3):
        encoder.process(sound)
    encoder.reset()
    np.testing.assert_array_equal(encoder.process(sound), fresh)


def test_part_of_a_frame_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 320"):
        ModelPack(folder).encoder().process(np.zeros(321, np.float32))


def test_a_changed_file_is_refused_before_it_runs(folder: Path) -> None:
    content = bytearray((folder / VOCODER).read_bytes())
    content[-1] ^= 1
    (folder / VOCODER).write_bytes(content)
    with pytest.raises(RtvcError, match=r"vocoder.onnx does not have the digest"):
        ModelPack(folder)


@pytest.mark.parametrize("name", [ENCODER, VOCODER, STATISTICS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RtvcError, match=f"{name} cannot be read"):
        ModelPack(folder)


def test_a_file_without_a_digest_is_refused(folder: Path) -> None:
    change_card(folder, files={})
    with pytest.raises(RtvcError, match=r"contains no digest for encoder.onnx"):
        ModelPack(folder)


def test_a_card_of_another_version_is_refused(folder: Path) -> None:
    change_card(folder, format=99)
    with pytest.raises(RtvcError, match=r"card.json has format version 99"):
        ModelPack(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "name": "x", "files": 3}'])
def test_a_damaged_card_is_refused(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(RtvcError, match=r"card.json is damaged"):
        ModelPack(folder)


@pytest.mark.parametrize(
    ("cepstra", "reason"),
    [([0], "damaged"), (3, "damaged"), (["a", "b"], "damaged"), ([300, 321], "roles"), ([9, 9], "roles")],
)
def test_cepstra_that_are_not_there_are_refused(folder: Path, cepstra: object, reason: str) -> None:
    change_card(folder, roles={"pitch": 320, "voicing": 321, "cepstra": cepstra})
    with pytest.raises(RtvcError, match=reason):
        ModelPack(folder)


def test_a_graph_without_metadata_is_refused(folder: Path) -> None:
    change_graph(folder, ENCODER, kind=None)
    with pytest.raises(RtvcError, match=r"encoder.onnx contains no rtvc metadata"):
        ModelPack(folder)


def test_a_graph_of_another_version_is_refused(folder: Path) -> None:
    change_graph(folder, ENCODER, format=2)
    with pytest.raises(RtvcError, match=r"encoder.onnx has format version 2"):
        ModelPack(folder)


def test_a_graph_of_the_wrong_kind_is_refused(folder: Path) -> None:
    shutil.copy(folder / VOCODER, folder / ENCODER)
    sign(folder)
    with pytest.raises(RtvcError, match="of kind vocoder, not encoder"):
        ModelPack(folder)


def test_a_graph_with_other_dimensions_than_it_says_is_refused(folder: Path) -> None:
    change_graph(folder, ENCODER, feature_dim=7)
    with pytest.raises(RtvcError, match=r"features has shape \[1, n, 322\], not \[1, n, 7\]"):
        ModelPack(folder)


def test_states_that_are_not_described_are_refused(folder: Path) -> None:
    change_graph(folder, VOCODER, state={})
    with pytest.raises(RtvcError, match=r"vocoder.onnx does not match its metadata: next.past, state.past"):
        ModelPack(folder)


def test_graphs_that_do_not_fit_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    other = identity_pack(tmp_path / "other", sample_rate=24_000)
    shutil.copy(other.folder / VOCODER, folder / VOCODER)
    sign(folder)
    with pytest.raises(RtvcError, match="sample_rate is 16000 and 24000"):
        ModelPack(folder)


def test_statistics_of_another_space_are_refused(folder: Path, tmp_path: Path) -> None:
    other = identity_pack(tmp_path / "other", roles=False)
    shutil.copy(other.folder / STATISTICS, folder / STATISTICS)
    sign(folder)
    with pytest.raises(RtvcError, match="statistics of model pack identity do not fit"):
        ModelPack(folder)


def test_what_is_not_a_graph_is_refused(folder: Path) -> None:
    (folder / ENCODER).write_bytes(b"not a graph")
    sign(folder)
    with pytest.raises(RtvcError, match=r"encoder.onnx is not an ONNX graph"):
        ModelPack(folder)


def test_packs_are_found_by_name_and_by_folder(folder: Path) -> None:
    assert find_pack("mini").folder == embedded_packs() / "mini"
    assert find_pack(str(folder)).name == "identity"
    with pytest.raises(RtvcError, match=r"no model pack 'nothing': choose one of mini.*`rtvc models list`"):
        find_pack("nothing")


def test_cuda_is_refused_with_a_sentence_where_it_does_not_work(folder: Path) -> None:
    if cuda_works():
        pytest.skip("CUDA works here")
    with pytest.raises(RtvcError, match="CUDA does not work here"):
        ModelPack(folder, Runtime(provider="cuda")).encoder()
    assert ModelPack(folder, Runtime(provider="auto")).encoder().provider == "cpu"
