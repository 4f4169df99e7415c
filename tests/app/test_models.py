import sys
from pathlib import Path

import pytest

from rtvc.app import models as app_models
from rtvc.app.models import BuildOptions, build_pack, building_problem, list_packs, open_pack, remove_pack
from rtvc.app.pack_speed import measure_speed
from rtvc.chain.voice_chain import algorithmic_latency
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
    assert entries["good"].latency_seconds == pytest.approx(float(algorithmic_latency(good)))
    assert 0.04 < float(algorithmic_latency(good)) < 0.045
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
    with pytest.raises(RtvcError, match="already exists"):
        build_pack("wavlm-large")


def test_without_pytorch_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "export", None)
    with pytest.raises(RtvcError, match="needs PyTorch"):
        build_pack("wavlm-large")


def test_a_pack_is_measured_on_request_and_the_figure_is_kept_with_its_digest(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rtvc.app.pack_speed.user_cache_path", lambda *names, **options: tmp_path / "cache")
    monkeypatch.setattr("rtvc.app.pack_speed.SPEECH_SECONDS", 0.5)
    monkeypatch.setattr("rtvc.packs.pack.installed_packs", lambda: installed)
    identity_pack(installed / "good")

    def share() -> float | None:
        return {entry.name: entry for entry in list_packs()}["good"].core_share

    assert share() is None
    seen: list[float] = []
    measured = measure_speed("good", seen.append)
    assert share() == pytest.approx(measured, abs=1e-4)
    assert seen[-1] == 1.0
    for damage in (b"", b"[1]", b'{"x": "fast"}', b"\xff"):
        (tmp_path / "cache" / "pack-speed.json").write_bytes(damage)
        assert share() is None
    assert measure_speed("good") > 0
    assert share() is not None


def test_the_share_of_test_conversions_that_succeed_comes_from_the_card() -> None:
    entries = {entry.name: entry for entry in list_packs()}
    share = entries["mini"].closer_to_target
    assert share is not None
    assert 0.5 < share <= 1
    assert entries["wavlm-large"].closer_to_target is None


def test_where_packs_cannot_be_built_the_reason_is_known_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_models, "find_spec", lambda name: None)
    assert "needs PyTorch: run `pip install" in building_problem()
    monkeypatch.setattr(app_models, "find_spec", lambda name: name)
    assert building_problem() == ""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert "this bundle lacks" in building_problem()
