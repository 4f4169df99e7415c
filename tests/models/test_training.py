"""The recipe of `mini` on a few seconds of sound: its parts against independent solutions, and one that resumes."""

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg

pytest.importorskip("torch", reason="needs the extra 'export' (torch)")
import torch

from models.mini import MiniConfiguration, MiniEncoder, MiniVocoder
from models.streaming import Memory
from models.training import ablate, likeness, train
from models.training.augmentation import disturb
from models.training.from_pack import load_pack
from models.training.likeness import SpeakerJudge, trained_judge
from models.training.prepare import Corpus
from models.training.transport import SHRINKAGE, moments, square_roots, transport
from rtvc.packs.pack import find_pack
from rtvc.transport.mkl import fit_mkl
from rtvc.voices.library import shipped_voices
from rtvc.voices.statistics import FeatureRoles, FeatureStatistics


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """What `prepare` writes, of the shipped voices, with made-up pitch and no disguise."""
    folder = tmp_path / "output" / "data"
    folder.mkdir(parents=True)
    speakers: dict[str, tuple[int, int]] = {}
    audio: list[npt.NDArray[np.int16]] = []
    for voice in shipped_voices():
        sound = voice.recording.read()[: 250 * 320]
        speakers[voice.name] = (sum(len(part) for part in audio), len(sound))
        audio.append((sound * 32767).astype(np.int16))
    samples = np.concatenate(audio)
    pitch = np.full(len(samples) // 320, 150.0, np.float32)
    pitch[::7] = 0
    for name in ("audio", "audio-0", "audio-1"):
        samples.tofile(folder / f"{name}.int16")
    for name in ("pitch", "pitch-0", "pitch-1"):
        pitch.tofile(folder / f"{name}.float32")
    (folder / "index.json").write_text(json.dumps({"variants": 2, "speakers": speakers}))
    return tmp_path / "output"


def run(monkeypatch: pytest.MonkeyPatch, output: Path, steps: int, *more: str) -> dict[str, torch.Tensor]:
    words = ["--data", "unused", "--output", str(output), "--batch", "2", "--seconds", "0.6", "--judge-steps", "1"]
    monkeypatch.setattr(sys, "argv", ["train", *words, "--steps", str(steps), *more])
    train.main()
    saved = torch.load(output / "mini.pt", weights_only=True)
    assert saved["step"] == steps
    weights: dict[str, torch.Tensor] = saved["nets"]
    return weights


def test_training_changes_every_weight_and_goes_on_where_it_stopped(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(1)
    before = {**MiniEncoder(MiniConfiguration()).state_dict()}
    first = run(monkeypatch, prepared, 1)
    changed = [name for name, value in before.items() if not torch.equal(value, first[f"encoder.{name}"])]
    assert {name for name, _ in MiniEncoder(MiniConfiguration()).named_parameters()} <= set(changed)
    second = run(monkeypatch, prepared, 2)
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert all(torch.isfinite(value).all() for value in second.values())
    assert "resumed at step 1" in capsys.readouterr().out


def test_preparation_keeps_time_and_moves_pitch(tmp_path: Path) -> None:
    pytest.importorskip("pyworld", reason="needs the extra 'train' (pyworld)")
    from models.training.prepare import HOP, prepare

    (tmp_path / "speech" / "someone").mkdir(parents=True)
    voice = shipped_voices()[0]
    (tmp_path / "speech" / "someone" / "a.flac").write_bytes(voice.reference.read_bytes())
    corpus = prepare(tmp_path / "speech", tmp_path / "data", processes=1)
    assert list(corpus.speakers) == ["someone"]
    frames = len(corpus.audio) // HOP
    assert len(corpus.pitch) == frames
    voiced = corpus.pitch > 0
    assert 0.3 < voiced.mean() < 0.9
    envelope = np.log((corpus.audio.astype(np.float64).reshape(-1, HOP) ** 2).mean(1) + 1)
    for sound, pitch, direction in zip(corpus.variants, corpus.variant_pitch, (1, -1), strict=True):
        assert len(sound) == len(corpus.audio)
        semitones = 12 * np.log2(pitch[voiced] / corpus.pitch[voiced])
        assert np.ptp(semitones) < 1e-3
        assert 2 <= direction * semitones[0] <= 8
        moved = np.log((sound.astype(np.float64).reshape(-1, HOP) ** 2).mean(1) + 1)
        assert np.corrcoef(envelope, moved)[0, 1] > 0.9
    assert prepare(tmp_path / "nothing", tmp_path / "data").speakers == corpus.speakers


def test_square_roots_agree_with_scipy() -> None:
    random = np.random.default_rng(0)
    factor = random.standard_normal((3, 64, 200))
    matrices = factor @ factor.transpose(0, 2, 1) / 200 + 0.05 * np.eye(64)
    root, inverse = square_roots(torch.from_numpy(matrices))
    for index in range(3):
        expected = scipy.linalg.sqrtm(matrices[index])
        np.testing.assert_allclose(root[index], expected, atol=1e-6)
        np.testing.assert_allclose(inverse[index], np.linalg.inv(expected), atol=1e-5)


@pytest.mark.parametrize(("block", "learned"), [(1, 8), (2, 8), (4, 8), (8, 8), (1, 4), (2, 4)])
def test_the_map_in_the_loop_is_the_map_of_the_runtime(block: int, learned: int) -> None:
    random = np.random.default_rng(0)
    here, there = (
        random.standard_normal((2, 400, 8)) @ random.standard_normal((8, 8)) * 3 + random.standard_normal(8)
        for _ in range(2)
    )
    everyone = torch.ones(2, 400, dtype=torch.float64)
    source, target = torch.from_numpy(here), torch.from_numpy(there)
    moved = transport(source, moments(source, everyone), moments(target, everyone), block, learned)
    roles = FeatureRoles(cepstra=(learned, 8) if learned < 8 else None)
    for row in range(2):
        before, after = (FeatureStatistics.of(side[row].astype(np.float32), roles=roles) for side in (here, there))
        expected = fit_mkl(before, after, block, SHRINKAGE)(here[row].astype(np.float32))
        np.testing.assert_allclose(moved[row], expected, atol=0.02)
        assert np.abs(expected - here[row]).max() > 1


def test_the_judge_of_voices_learns_who_speaks(monkeypatch: pytest.MonkeyPatch, prepared: Path) -> None:
    monkeypatch.setattr(likeness, "ROWS", 16)
    torch.manual_seed(0)
    corpus = Corpus.open(prepared / "data")
    path = prepared / "judge.pt"
    judge = trained_judge(path, corpus, list(corpus.speakers), np.zeros(0, np.float32), 80, torch.device("cpu"))
    stretches = torch.stack(
        [
            torch.from_numpy(corpus.audio[start + first : start + first + 24000].astype(np.float32) / 32768)
            for start, _ in corpus.speakers.values()
            for first in (0, 40000)
        ]
    )
    directions = judge(stretches)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(len(directions)))
    alike = directions @ directions.T
    speaker = torch.arange(len(directions)) // 2
    same = (speaker[:, None] == speaker) & ~torch.eye(len(speaker), dtype=torch.bool)
    assert alike[same].mean() > alike[speaker[:, None] != speaker].mean() + 0.1
    kept = trained_judge(path, corpus, [], np.zeros(0, np.float32), 0, torch.device("cpu"))
    torch.testing.assert_close(kept(stretches), directions)


def test_conversions_are_judged_by_whom_they_sound_like() -> None:
    """The sound that was asked for costs nothing; another one costs in every respect."""
    torch.manual_seed(0)
    configuration = MiniConfiguration()
    trainer = train.Trainer(configuration, 75, steps=1, rate=0.0, judge=SpeakerJudge().eval().requires_grad_(False))
    trainer.half_precision = False
    one, other = (
        torch.from_numpy(voice.recording.read()[: 75 * configuration.hop])[None] for voice in shipped_voices()[:2]
    )
    converted = torch.cat([torch.zeros(1, configuration.overlap_delay), one], dim=1)[:, : one.shape[1]]
    heard = converted[:, configuration.overlap_delay :]
    given = trainer.encode(one)[:, configuration.lookahead_frames :]
    arrived = trainer.conversion_losses(converted, given, heard)
    strayed = trainer.conversion_losses(converted, trainer.encode(other), other)
    for name, loss in arrived.items():
        assert float(loss) < 1e-3, name
        assert float(strayed[name]) > 10 * float(loss) + 1e-3, name


def test_training_goes_on_from_a_pack(monkeypatch: pytest.MonkeyPatch, prepared: Path) -> None:
    pack = find_pack("mini")
    random = np.random.default_rng(0)
    sound = (0.1 * random.standard_normal(20 * pack.hop)).astype(np.float32)
    nets = torch.nn.ModuleDict(
        {"encoder": MiniEncoder(MiniConfiguration()), "vocoder": MiniVocoder(MiniConfiguration())}
    )
    load_pack(pack.folder, nets.eval())
    with torch.no_grad():
        features = nets["encoder"](torch.from_numpy(sound)[None], Memory())
        again = nets["vocoder"](features, Memory())
    np.testing.assert_allclose(features[0].numpy(), pack.encoder().process(sound), atol=1e-3)
    np.testing.assert_allclose(again[0].numpy(), pack.vocoder().process(features[0].numpy()), atol=1e-3)

    before = {f"{side}.{name}": value for side in nets for name, value in nets[side].named_parameters()}
    after = run(monkeypatch, prepared, 1, "--from-pack", str(pack.folder))
    assert torch.load(prepared / "mini.pt", weights_only=True)["earlier"] == pack.card.values["training_steps"]
    # One step of the warm-up moves a weight by no more than a 200th of the rate.
    assert all((after[name] - value).abs().max() < 1e-4 for name, value in before.items())


def test_ablation_tells_what_each_part_is_worth(
    monkeypatch: pytest.MonkeyPatch, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", "unused", "--output", str(prepared), "--batch", "2", "--seconds", "0.6"]
    monkeypatch.setattr(sys, "argv", ["ablate", *words])
    ablate.main()
    lines = [line.rsplit(maxsplit=2) for line in capsys.readouterr().out.splitlines()[1:]]
    plain = {name: float(loss) for name, loss, _ in lines}
    mapped = {name: float(loss) for name, _, loss in lines}
    assert plain["whole, K = 32"] < min(plain["without z"], plain["without cepstra"])
    assert plain["whole, K = 32"] < mapped["whole, K = 32"]


def test_a_pack_of_other_sizes_is_refused() -> None:
    other = MiniConfiguration(latent=8)
    nets = torch.nn.ModuleDict({"encoder": MiniEncoder(other), "vocoder": MiniVocoder(other)})
    with pytest.raises(SystemExit, match="latent"):
        load_pack(find_pack("mini").folder, nets)


def test_statistics_leave_silence_out() -> None:
    features = torch.randn(1, 100, 4)
    active = (torch.arange(100) < 60).float()[None]
    mean, _ = moments(features, active)
    torch.testing.assert_close(mean[0, 0], features[0, :60].mean(0))


def test_disturbed_sound_keeps_its_length_and_changes() -> None:
    generator = torch.Generator().manual_seed(3)
    audio = torch.randn(6, 3200) * 0.1
    result = disturb(audio, torch.randn(6, 3200), generator)
    assert result.shape == audio.shape
    assert torch.isfinite(result).all()
    assert ((result - audio).abs().amax(1) > 1e-3).all()


def test_mini_streams_exactly_in_torch() -> None:
    torch.manual_seed(0)
    configuration = MiniConfiguration(encoder_width=32, vocoder_width=32, fine_width=16)
    encoder, vocoder = MiniEncoder(configuration).eval(), MiniVocoder(configuration).eval()
    audio = torch.randn(1, 42 * configuration.hop) * 0.1
    with torch.no_grad():
        features = encoder(audio, Memory())
        whole = vocoder(features, Memory())
        for frames in (1, 2, 3, 7):
            heard, made = Memory(), Memory()
            seen, parts = [], []
            for start in range(0, features.shape[1], frames):
                stop = start + frames
                seen.append(encoder(audio[:, start * configuration.hop : stop * configuration.hop], heard))
                # Of the same features, since the phase adds up what rounding does to the pitch.
                parts.append(vocoder(features[:, start:stop], made))
                heard, made = Memory(heard.next), Memory(made.next)
            assert (torch.cat(seen, 1) - features).abs().max() < 1e-5
            assert (torch.cat(parts, 1) - whole).abs().max() < 1e-5
