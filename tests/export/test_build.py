import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pyloudnorm
import pytest
import soundfile
import torch
from typer import Typer
from typer.testing import CliRunner, Result

from export import graphs, quantisation
from export.build import build_pack
from export.published import Models
from export.quantisation import quantise
from export.settings import CPU, GPU, BuildSettings
from export.streaming import export_streaming
from export.sweep import describe, settings_to_try, sweep
from export.synthetic_checkpoint import hifigan_checkpoint, wavlm_checkpoint
from export.wavlm import EncoderSettings, StreamingWavLM
from rtvc.benchmark import fidelity as benchmark
from rtvc.cli import app
from rtvc.commands.bench_fidelity import fidelity
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.file_conversion import convert_file
from rtvc.files.whole_file_conversion import KNN_LUFS, OfflineModels
from rtvc.packs.catalogue import WAVLM_LARGE
from rtvc.packs.graph import GraphStage
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.transport.choice import MapChoice
from rtvc.voices.voice import Voice
from tests.support.small_models import FEW_LAYERS, WAVLM, make_hifigan, make_wavlm
from tests.support.sounds import babble

RATE = WAVLM.sample_rate
SECONDS = 3
INCREMENTAL = replace(CPU, encoder=EncoderSettings(2, 3, 10), offline=True)


@pytest.fixture(scope="module", autouse=True)
def _short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "MEASURED_SECONDS", 1.5)
        patch.setattr(quantisation, "SMALLEST", 2**9)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("build")
    torch.save(wavlm_checkpoint(make_wavlm()), folder / "encoder.pt")
    torch.save(hifigan_checkpoint(make_hifigan(FEW_LAYERS)), folder / "vocoder.pt")
    for index in range(3):
        soundfile.write(folder / f"speech-{index}.wav", babble(SECONDS, RATE, index), RATE)
    return folder


@pytest.fixture(scope="module")
def models(folder: Path) -> Models:
    return Models.load(folder / "encoder.pt", folder / "vocoder.pt", WAVLM, FEW_LAYERS)


def speech(folder: Path) -> list[Path]:
    return sorted(folder.glob("speech-*.wav"))


@pytest.fixture(scope="module")
def pack(folder: Path, models: Models) -> ModelPack:
    build_pack(WAVLM_LARGE, models, speech(folder), folder / "packs" / "incremental", INCREMENTAL)
    return ModelPack(folder / "packs" / "incremental")


@pytest.fixture(scope="module")
def encoder_file(folder: Path, models: Models) -> Path:
    """A small encoder's graph in float32; to be copied."""
    path = folder / "encoder.onnx"
    sizes = {"sample_rate": RATE, "hop": 320, "feature_dim": WAVLM.width}
    net = StreamingWavLM(models.encoder, EncoderSettings(1, 2, 5))
    export_streaming(net, path, "encoder", **sizes, lookahead_frames=1, delay_samples=80)
    return path


def copy(file: Path, folder: Path) -> Path:
    return Path(shutil.copy(file, folder))


def test_a_built_pack_says_what_it_is(pack: ModelPack, folder: Path) -> None:
    assert pack.name == "wavlm-large"
    assert (pack.sample_rate, pack.hop, pack.feature_dim) == (RATE, 320, WAVLM.width)
    assert set(pack.card.values["checkpoints"]) == {"encoder.pt", "vocoder.pt"}
    assert pack.population.count > 100
    assert not [path for path in pack.folder.parent.iterdir() if path != pack.folder]
    encoder, vocoder = pack.encoder(), pack.vocoder()
    assert pack.runtime.threads == 2
    assert pack.bound(Runtime(threads=1)).runtime.threads == 1
    assert encoder.latency == 2 * 320 + WAVLM.overlap
    assert 320 < vocoder.latency <= 2 * 320


def test_a_built_pack_converts_a_recording(pack: ModelPack, folder: Path, tmp_path: Path) -> None:
    voice = Voice("target", folder / "speech-1.wav")
    convert_file(folder / "speech-0.wav", voice, tmp_path / "out.wav", pack, Conversion())
    convert_file(folder / "speech-0.wav", voice, tmp_path / "online.wav", pack, Conversion(mode=Mode.LIVE, step=3))
    for name in ("out.wav", "online.wav"):
        audio, _ = soundfile.read(tmp_path / name)
        assert len(audio) == SECONDS * RATE
        assert np.isfinite(audio).all()
        assert np.abs(audio).max() > 0.01


@torch.no_grad()
def test_an_offline_conversion_is_that_of_the_paper(
    pack: ModelPack, models: Models, folder: Path, tmp_path: Path
) -> None:
    paths = [folder / "speech-0.wav", folder / "speech-1.wav"]
    convert_file(paths[0], Voice("target", paths[1]), tmp_path / "out.wav", pack, Conversion(mode=Mode.WHOLE_FILE))
    sounds = [soundfile.read(path, dtype="float32")[0] for path in paths]
    source, target = (models.encoder(torch.from_numpy(sound)[None])[0].double() for sound in sounds)
    mapped = torch.empty_like(source)
    order = source.std(dim=0).argsort(descending=True)
    for block in order.split(2):
        one, other = source[:, block], target[:, block]
        a, b = torch.cov(one.T), torch.cov(other.T)
        root = matrix_power(a, 0.5)
        inverse = matrix_power(a, -0.5)
        between = inverse @ matrix_power(root @ b @ root, 0.5) @ inverse
        mapped[:, block] = (one - one.mean(dim=0)) @ between + other.mean(dim=0)
    expected = models.vocoder(mapped.float()[None])[0].numpy()
    found = soundfile.read(tmp_path / "out.wav")[0]
    assert len(found) == len(sounds[0])
    assert np.corrcoef(found[: len(expected)], expected)[0, 1] > 0.9999


@torch.no_grad()
def test_an_offline_conversion_by_neighbours_is_that_of_knn_vc(
    pack: ModelPack, models: Models, folder: Path, tmp_path: Path
) -> None:
    paths = [folder / "speech-0.wav", folder / "speech-1.wav"]
    by_neighbours = Conversion(MapChoice("knn"), Mode.WHOLE_FILE)
    convert_file(paths[0], Voice("target", paths[1]), tmp_path / "out.wav", pack, by_neighbours)
    sounds = [soundfile.read(path, dtype="float32")[0] for path in paths]
    source, target = (models.encoder(torch.from_numpy(sound)[None])[0] for sound in sounds)
    nearest = torch.nn.functional.cosine_similarity(source[:, None], target[None], dim=-1).topk(4).indices
    expected = models.vocoder(target[nearest].mean(dim=1)[None])[0].numpy()
    found = soundfile.read(tmp_path / "out.wav")[0]
    assert np.corrcoef(found[: len(expected)], expected)[0, 1] > 0.9999
    level = pyloudnorm.Meter(RATE).integrated_loudness(found)
    assert level == pytest.approx(KNN_LUFS, abs=0.1)


def matrix_power(matrix: torch.Tensor, exponent: float) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    power: torch.Tensor = vectors @ torch.diag(values**exponent) @ vectors.T
    return power


def test_offline_graphs_are_the_models(pack: ModelPack, models: Models) -> None:
    offline = OfflineModels(pack)
    for seconds in (0.3, 1.7):
        audio = babble(seconds, RATE)
        features = offline.encode(audio)
        np.testing.assert_allclose(features, models.encode(audio), atol=1e-4)
        np.testing.assert_allclose(offline.vocode(features), models.vocode(features), atol=1e-4)


@pytest.mark.parametrize("transport", ["mkl", "knn"])
def test_the_command_converts_whole_files_and_folders(
    pack: ModelPack, folder: Path, tmp_path: Path, transport: str
) -> None:
    def run(*words: str | Path) -> Result:
        command = ["convert", "--pack", str(pack.folder), "--voice", str(folder / "speech-1.wav")]
        return CliRunner().invoke(app, [*command, "--mode", "whole-file", "--transport", transport, *map(str, words)])

    one = run(folder / "speech-0.wav", "-o", tmp_path / "one.wav")
    assert one.exit_code == 0, one.output
    (tmp_path / "several").mkdir()
    shutil.copy(folder / "speech-0.wav", tmp_path / "several")
    assert run(tmp_path / "several", "-o", tmp_path / "converted").exit_code == 0
    assert (tmp_path / "converted" / "speech-0.wav").read_bytes() == (tmp_path / "one.wav").read_bytes()
    refused = run(folder / "speech-0.wav", "-o", tmp_path / "two.wav", "--step", "2")
    assert isinstance(refused.exception, RtvcError)


def test_a_recording_that_cannot_be_converted_whole_is_refused(pack: ModelPack, folder: Path, tmp_path: Path) -> None:
    voice = Voice("target", folder / "speech-1.wav")
    for seconds, message in ((0.1, "needs 0.2 s"), (121, "takes no more than 120 s")):
        soundfile.write(tmp_path / "odd.wav", babble(seconds, RATE), RATE)
        with pytest.raises(RtvcError, match=message):
            convert_file(tmp_path / "odd.wav", voice, tmp_path / "out.wav", pack, Conversion(mode=Mode.WHOLE_FILE))
    assert not (tmp_path / "out.wav").exists()


def test_a_windowed_pack_without_offline_graphs(models: Models, folder: Path, tmp_path: Path) -> None:
    settings = replace(GPU, encoder=EncoderSettings(2, 20, 0))
    found = build_pack(WAVLM_LARGE, models, speech(folder), tmp_path / "windowed", settings)
    pack = ModelPack(tmp_path / "windowed")
    assert pack.vocoder().latency == 2 * 320 + settings.fade
    assert found.latency_ms == pytest.approx(20 * 4 + 1000 * (settings.fade + WAVLM.overlap) / RATE)
    with pytest.raises(RtvcError, match="has no offline graphs"):
        OfflineModels(pack)


def test_more_future_and_more_bits_come_closer(models: Models, folder: Path, tmp_path: Path) -> None:
    far = BuildSettings(EncoderSettings(0, 1, 10), vocoder_frames=0, precision="int8")
    near = BuildSettings(EncoderSettings(30, 60, 0), vocoder_frames=11, precision="float32")
    results = []
    for name, settings in (("far", far), ("near", near)):
        results.append(build_pack(WAVLM_LARGE, models, speech(folder)[:1], tmp_path / name, settings))
    assert results[1].feature_error < 0.5 * results[0].feature_error
    assert results[1].feature_cosine > results[0].feature_cosine
    assert results[1].vocoder_distance < 0.5 * results[0].vocoder_distance
    assert results[1].distance < results[0].distance


def test_the_benchmark_compares_packs_that_have_offline_graphs(pack: ModelPack, folder: Path, tmp_path: Path) -> None:
    words = ["--speech", str(folder), "--recordings", "1", "--json", str(tmp_path / "fidelity.json")]
    command = Typer()
    command.command()(fidelity)
    result = CliRunner().invoke(command, ["--pack", str(pack.folder), "--html", str(tmp_path / "page.html"), *words])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "fidelity.json").read_text())["results"][str(pack.folder)]
    assert 0 < found["feature_error"] < 1
    assert found["latency_ms"] == pytest.approx(1000 * float(pack.encoder().latency_seconds), abs=40)
    assert "data:image/png" in (tmp_path / "page.html").read_text()


def test_a_sweep_has_a_row_for_each_setting(models: Models, folder: Path) -> None:
    names = [describe(settings) for settings in settings_to_try()]
    assert len(set(names)) == len(names) > 10
    tried = [replace(CPU, encoder=EncoderSettings(0, 1, 4), vocoder_frames=frames) for frames in (0, 11)]
    rows = sweep(WAVLM_LARGE, models, speech(folder)[:1], tried)
    assert list(rows) == [
        "L0 W1 P4 int8-blockwise, cached 0 int8",
        "L0 W1 P4 int8-blockwise, cached 11 int8",
    ]
    first, second = rows.values()
    assert first.feature_error == pytest.approx(second.feature_error)
    assert second.vocoder_distance < first.vocoder_distance


@pytest.mark.parametrize("blockwise", [False, True])
def test_weights_of_8_bits_keep_the_graph_and_most_of_its_precision(
    encoder_file: Path, tmp_path: Path, blockwise: bool
) -> None:
    path = copy(encoder_file, tmp_path)
    whole = GraphStage(path.read_bytes(), "whole", "encoder")
    quantise(path, blockwise)
    small = GraphStage(path.read_bytes(), "small", "encoder")
    assert small.description == whole.description
    assert list(tmp_path.iterdir()) == [path]
    audio = babble(1, RATE)
    expected = whole.process(audio)
    error = np.linalg.norm(small.process(audio) - expected) / np.linalg.norm(expected)
    assert 1e-4 < error < 0.05


def test_8_bit_products_cannot_saturate_without_vnni(encoder_file: Path, tmp_path: Path) -> None:
    """`vpmaddubsw` adds the products of two neighbouring inputs in 16 bits; activations reach 255."""
    path = copy(encoder_file, tmp_path)
    quantise(path)
    graph = onnx.load(path).graph
    arrays = {value.name: onnx.numpy_helper.to_array(value) for value in graph.initializer}
    weights = [arrays[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]
    assert weights
    for matrix in weights:
        assert matrix.dtype == np.int8
        pairs = matrix[: len(matrix) // 2 * 2].astype(int).reshape(-1, 2, matrix.shape[1])
        assert 255 * np.maximum(pairs, 0).sum(axis=1).max() <= 32_767
        assert 255 * np.minimum(pairs, 0).sum(axis=1).min() >= -32_768


def test_weights_that_8_bits_spoil_stay_in_float32(
    models: Models, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "QUANTISED_TOLERANCE", 1e-6)
    lines: list[str] = []
    settings = replace(CPU, encoder=EncoderSettings(0, 1, 4), vocoder_frames=11)
    build_pack(WAVLM_LARGE, models, speech(folder)[:1], tmp_path / "pack", settings, lines.append)
    kept = ModelPack(tmp_path / "pack").card.values["settings"]
    assert (kept["precision"], kept["vocoder_precision"]) == ("float32", "float32")
    assert sum("stay in float32" in line for line in lines) == 2


def test_small_products_and_those_asked_for_keep_their_weights(encoder_file: Path, tmp_path: Path) -> None:
    path = copy(encoder_file, tmp_path)
    quantise(path, keep="/front/")
    graph = onnx.load(path).graph
    whole = {value.name: value.dims for value in graph.initializer if value.data_type == onnx.TensorProto.FLOAT}
    kept = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in whole]
    front = [node for node in kept if "/front/" in node.name]
    assert len(front) == len(WAVLM.convolutions) + 1
    assert all(np.prod(whole[node.input[1]]) < quantisation.SMALLEST for node in kept if node not in front)
    assert sum(node.op_type == "MatMulInteger" for node in graph.node) >= 4 * WAVLM.layers


def test_a_pack_is_replaced_only_when_asked(pack: ModelPack, models: Models, folder: Path, tmp_path: Path) -> None:
    before = (pack.folder / "card.json").read_bytes()
    with pytest.raises(RtvcError, match="--force"):
        build_pack(WAVLM_LARGE, models, speech(folder), pack.folder, INCREMENTAL)
    assert (pack.folder / "card.json").read_bytes() == before
    other = replace(INCREMENTAL, encoder=EncoderSettings(1, 2, 10), offline=False)
    target = tmp_path / "pack"
    shutil.copytree(pack.folder, target)
    build_pack(WAVLM_LARGE, models, speech(folder)[:1], target, other, overwrite=True)
    assert ModelPack(target).lookahead_frames == 1
    assert {path.name for path in target.iterdir()} == {"card.json", "encoder.onnx", "vocoder.onnx", "statistics.npz"}
    assert list(tmp_path.iterdir()) == [target]


def test_silence_is_no_speech_to_measure_on(models: Models, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(5 * RATE), RATE)
    with pytest.raises(RtvcError, match="None of the 1 recordings"):
        build_pack(WAVLM_LARGE, models, [tmp_path / "silence.wav"], tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_checkpoints_that_do_not_fit_together_are_refused(folder: Path) -> None:
    with pytest.raises(RtvcError, match="HiFiGAN: it has misshapen"):
        Models.load(folder / "encoder.pt", folder / "vocoder.pt", WAVLM, replace(FEW_LAYERS, feature_dim=8))
