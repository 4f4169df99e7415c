import json
import sys
from pathlib import Path

import onnx
import pytest

from rtvc.packs import pack as pack_module
from rtvc.packs import processor
from rtvc.packs.card import CARD
from rtvc.packs.pack import ModelPack
from tests.support.packs import identity_pack


def test_the_probe_is_a_valid_model() -> None:
    model = onnx.load_model_from_string(processor._largest_product())
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["MatMulInteger"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/cpuinfo")
def test_processors_with_vnni_do_not_saturate() -> None:
    flags = Path("/proc/cpuinfo").read_text()
    if "avx512_vnni" not in flags and "avx_vnni" not in flags:
        pytest.skip("this processor has no VNNI")
    assert not processor.saturates()


@pytest.mark.parametrize(("weight_bits", "warns"), [(None, True), (7, False)])
def test_a_pack_of_full_range_weights_is_noticed_where_they_saturate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight_bits: int | None, warns: bool
) -> None:
    monkeypatch.setattr(pack_module, "saturates", lambda: True)
    folder = identity_pack(tmp_path / "pack").folder
    card = json.loads((folder / CARD).read_text())
    card["settings"] = {"precision": "int8-blockwise", "vocoder_precision": "int8"}
    if weight_bits is not None:
        card["weight_bits"] = weight_bits
    (folder / CARD).write_text(json.dumps(card))
    warning = ModelPack(folder).warning
    assert (warning is not None) == warns
    assert warning is None or "VNNI" in warning
