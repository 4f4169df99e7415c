import sys
from pathlib import Path

import pytest

from rtvc.app import models as app_models
from rtvc.app.models import BuildOptions, build_pack, list_packs, open_pack, remove_pack
from rtvc.chain.voice_chain import algorithmic_delay
from rtvc.errors import RtvcError
from rtvc.packs import pack as pack_module
from tests.support.packs import identity_pack


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packs"
    for module in (app_models, pack_module):
        monkeypatch.setattr(module, "installed_packs", lambda: folder)
    monkeypatch.setattr("rtvc.packs.catalogue.installed_packs", lambda: folder)
    open_pack.cache_clear()
    return folder


def test_packs_are_listed_usable_or_with_what_is_wrong(installed: Path) -> None:
    good = identity_pack(installed / "good")
    identity_pack(installed / "bad")
    (installed / "bad" / "encoder.onnx").write_bytes(b"")
    entries = {entry.name: entry for entry in list_packs()}
    assert entries["mini"].origin == "shipped"
    assert entries["good"].origin == "installed"
    # The two graphs delay by 40 ms; the rest is resampling from the usual device and back.
    assert entries["good"].latency_seconds == pytest.approx(float(algorithmic_delay(good)))
    assert 0.04 < float(algorithmic_delay(good)) < 0.045
    assert not entries["good"].problem
    assert "encoder.onnx" in entries["bad"].problem
    assert entries["wavlm-large"].origin == "available"
    assert entries["wavlm-large"].bytes == 1_328_180_068


def test_a_pack_is_opened_once_until_it_is_removed(installed: Path) -> None:
    identity_pack(installed / "good")
    assert open_pack("good") is open_pack("good")
    remove_pack("good")
    with pytest.raises(RtvcError, match="no model pack 'good'"):
        open_pack("good")


def test_what_cannot_be_built_is_refused_before_any_download(installed: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(RtvcError, match="no pack 'other' to fetch or build"):
        build_pack("other")
    with pytest.raises(RtvcError, match="cpu, gpu, not for 'toaster'"):
        build_pack("wavlm-large", BuildOptions(device="toaster"))
    with pytest.raises(RtvcError, match="no precision 'int3'"):
        build_pack("wavlm-large", BuildOptions(precision="int3"))
    with pytest.raises(RtvcError, match="cannot be a model pack's name"):
        build_pack("wavlm-large", BuildOptions(name="../x"))
    with pytest.raises(RtvcError, match=r"has no WavLM-Large\.pt"):
        build_pack("wavlm-large", BuildOptions(folder=installed.parent))
    identity_pack(installed / "wavlm-large")
    with pytest.raises(RtvcError, match="exists already"):
        build_pack("wavlm-large")


def test_without_pytorch_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "export", None)
    with pytest.raises(RtvcError, match="needs PyTorch"):
        build_pack("wavlm-large")
