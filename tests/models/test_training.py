"""The recipe of `mini` on a few seconds of sound: its parts against independent solutions, and one that resumes."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

pytest.importorskip("torch", reason="needs the extra 'export' (torch)")
import torch

from models.mini.configuration import MiniConfiguration
from models.mini.encoder import MiniEncoder
from models.mini.vocoder import MiniVocoder
from models.streaming import StreamingState
from models.training import ablate, convert, speaker_encoder, train
from models.training.augmentation import augment, reverberate
from models.training.corpus import Sampler
from models.training.from_pack import load_pack
from models.training.prepare import AUDIO, PITCH, VARIANTS, open_corpus, quantise, save_array
from models.training.speaker_encoder import trained_speaker_encoder
from models.training.trainer import Trainer
from models.training.transport import SHRINKAGE, moments, square_roots, transport
from rtvc.features import FeatureRoles, FeatureStatistics
from rtvc.packs.pack import find_pack
from rtvc.transport.mkl import fit_mkl
from rtvc.voices.library import shipped_voices

NO_NOISE = np.zeros(0, np.float32)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """What `prepare` writes, of the shipped voices, with made-up pitch and variants like the recording."""
    for voice in shipped_voices()[:4]:
        folder = tmp_path / "output" / "data" / voice.name
        sound = quantise(voice.recording.read()[: 250 * 320].astype(np.float64))
        pitch = np.full(len(sound) // 320, 150.0, np.float32)
        pitch[::7] = 0
        save_array(folder / AUDIO, np.stack([sound] * (1 + VARIANTS)))
        save_array(folder / PITCH, np.stack([pitch] * (1 + VARIANTS)))
    return tmp_path / "output"


def run(monkeypatch: pytest.MonkeyPatch, output: Path, steps: int, *more: str) -> dict[str, torch.Tensor]:
    words = ["--output", str(output), "--batch", "2", "--seconds", "0.6", "--speaker-steps", "1"]
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


def test_training_stops_when_its_time_is_over(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps are allowed, and with the learning rate at its lowest by then."""
    trainer = Trainer(MiniConfiguration(), 30, rate=1e-3)
    trainer.step = 1000
    assert trainer.learning_rate(0.0) == pytest.approx(1e-3)
    assert trainer.learning_rate(1.0) == pytest.approx(5e-5)
    words = ["--output", str(prepared), "--batch", "2", "--seconds", "0.6", "--conversions", "0"]
    monkeypatch.setattr(sys, "argv", ["train", *words, "--minutes", "0.001"])
    train.main()
    assert torch.load(prepared / "mini.pt", weights_only=True)["step"] == 1


def test_preparation_keeps_time_and_moves_pitch(tmp_path: Path) -> None:
    pytest.importorskip("pyworld", reason="needs the extra 'train' (pyworld)")
    from models.training.prepare import HOP, prepare

    (tmp_path / "speech" / "someone").mkdir(parents=True)
    voice = shipped_voices()[0]
    (tmp_path / "speech" / "someone" / "a.flac").write_bytes(voice.reference.read_bytes())
    corpus = prepare(tmp_path / "speech", tmp_path / "data", processes=1)
    assert list(corpus) == ["someone"]
    speech = corpus["someone"]
    audio, pitch = speech.audio, speech.pitch
    assert len(audio) == len(pitch) == 1 + VARIANTS
    assert len(audio[0]) == speech.frames * HOP
    voiced = pitch[0] > 0
    assert 0.3 < voiced.mean() < 0.9
    envelope = np.log((audio[0].astype(np.float64).reshape(-1, HOP) ** 2).mean(1) + 1)
    for sound, labels, direction in zip(audio[1:], pitch[1:], (1, -1), strict=True):
        assert len(sound) == len(audio[0])
        semitones = 12 * np.log2(labels[voiced] / pitch[0][voiced])
        assert np.ptp(semitones) < 1e-3
        assert 2 <= direction * semitones[0] <= 8
        moved = np.log((sound.astype(np.float64).reshape(-1, HOP) ** 2).mean(1) + 1)
        assert np.corrcoef(envelope, moved)[0, 1] > 0.9


def test_preparation_keeps_what_is_there_and_adds_what_is_new(tmp_path: Path) -> None:
    pytest.importorskip("pyworld", reason="needs the extra 'train' (pyworld)")
    from models.training.prepare import prepare

    voices = shipped_voices()[:2]
    for voice in voices:
        (tmp_path / "speech" / voice.name).mkdir(parents=True)
    (tmp_path / "speech" / voices[0].name / "a.flac").write_bytes(voices[0].reference.read_bytes())
    prepare(tmp_path / "speech", tmp_path / "data", processes=1)
    written = (tmp_path / "data" / voices[0].name / AUDIO).stat().st_mtime_ns
    (tmp_path / "speech" / voices[1].name / "b.flac").write_bytes(voices[1].reference.read_bytes())
    assert set(prepare(tmp_path / "speech", tmp_path / "data", processes=1)) == {voice.name for voice in voices}
    assert (tmp_path / "data" / voices[0].name / AUDIO).stat().st_mtime_ns == written


def test_conversions_become_sources_of_training(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep the recording's timing, and the target stays the recording."""
    corpus = open_corpus(prepared / "data")
    convert.convert_all(corpus, find_pack("mini"), most=1)
    (name,) = [name for name in corpus if len(corpus[name].audio) > 1 + VARIANTS]
    recording, conversion = corpus[name].audio[0], corpus[name].audio[-1]
    assert len(conversion) == len(recording)
    assert len(corpus[name].pitch[-1]) == corpus[name].frames

    def envelope(sound: np.ndarray) -> np.ndarray:
        return np.log(np.convolve(sound.astype(np.float64) ** 2, np.ones(320) / 320, "same") + 1e3)

    a, b = envelope(recording), envelope(conversion)
    inner = slice(2000, len(a) - 2000)
    lags = range(-640, 641, 80)
    matches = [float(np.corrcoef(a[inner], np.roll(b, -lag)[inner])[0, 1]) for lag in lags]
    assert abs(lags[int(np.argmax(matches))]) <= 160

    batch = Sampler(corpus, [name], NO_NOISE, 60, 60, converted=1.0).draw(2, np.random.default_rng(0))
    for source, target in zip(batch.source, batch.target, strict=True):
        assert not torch.equal(source, target)
        assert quantise(target.numpy().astype(np.float64)).tobytes() in recording.tobytes()


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


def test_the_speaker_encoder_learns_who_speaks(monkeypatch: pytest.MonkeyPatch, prepared: Path) -> None:
    monkeypatch.setattr(speaker_encoder, "ROWS", 8)
    torch.manual_seed(0)
    corpus = open_corpus(prepared / "data")
    path = prepared / "speaker-encoder.pt"
    encoder = trained_speaker_encoder(path, corpus, list(corpus), NO_NOISE, 50, torch.device("cpu"))
    stretches = torch.stack(
        [
            torch.from_numpy(speech.audio[0][first : first + 24000].astype(np.float32) / 32768)
            for speech in corpus.values()
            for first in (0, 40000)
        ]
    )
    embeddings = encoder(stretches)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(embeddings)))
    cosines = embeddings @ embeddings.T
    speaker = torch.arange(len(embeddings)) // 2
    same = (speaker[:, None] == speaker) & ~torch.eye(len(speaker), dtype=torch.bool)
    assert cosines[same].mean() > cosines[speaker[:, None] != speaker].mean() + 0.1
    kept = trained_speaker_encoder(path, corpus, [], NO_NOISE, 0, torch.device("cpu"))
    torch.testing.assert_close(kept(stretches), embeddings)


def test_conversion_losses_ask_for_the_targets_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sound that was asked for costs nothing; another one costs in every respect."""
    monkeypatch.setattr("models.training.precision.computes_bfloat16", lambda device: False)
    torch.manual_seed(0)
    configuration = MiniConfiguration()
    speaker = speaker_encoder.SpeakerEncoder().eval().requires_grad_(False)
    trainer = Trainer(configuration, 75, rate=0.0, speaker_encoder=speaker)
    one, other = (
        torch.from_numpy(voice.recording.read()[: 75 * configuration.hop])[None] for voice in shipped_voices()[:2]
    )
    converted = torch.cat([torch.zeros(1, configuration.overlap_delay), one], dim=1)[:, : one.shape[1]]
    heard = converted[:, configuration.overlap_delay :]
    active = trainer.activity(one)
    features = trainer.encode(one)
    asked = features[:, configuration.lookahead_frames :]
    arrived = trainer.conversion_losses(converted, asked, moments(features, active), heard, active)
    features = trainer.encode(other)
    strayed = trainer.conversion_losses(converted, features, moments(features, active), other, active)
    assert set(arrived) == {"cycle", "bias", "spread", "long_term", "speaker"}
    for name, loss in arrived.items():
        assert float(loss) < 1e-3, name
        assert float(strayed[name]) > 10 * float(loss) + 1e-3, name


def test_cepstra_do_not_hold_the_harmonics() -> None:
    """Harmonics of one envelope at two pitches: without the lifter, mel bands follow the pitch."""
    encoder = MiniEncoder(MiniConfiguration())
    random = np.random.default_rng(0)
    time = np.arange(40 * 320) / 16000
    shape = random.uniform(-1.5, 1.5, 12)

    def spoken(pitch: float) -> torch.Tensor:
        harmonics = np.arange(1, int(8000 / pitch)) * pitch
        smooth = sum(a * np.cos(np.pi * n * harmonics / 8000) for n, a in enumerate(shape))
        sound = sum(np.exp(g) * np.cos(2 * np.pi * f * time + f) for f, g in zip(harmonics, smooth, strict=True))
        return torch.from_numpy((0.02 * np.sqrt(pitch / 150) * sound).astype(np.float32))[None]

    def difference(smoothed: bool) -> float:
        made = []
        for pitch in (200.0, 300.0):
            power, _ = encoder.spectra(spoken(pitch), StreamingState())
            width = torch.full(power.shape[:2], pitch if smoothed else 20.0)
            made.append(encoder.envelopes(power, width)[0, 5:-1])
        return float((made[0] - made[1]).std())

    assert difference(smoothed=True) < 0.5 * difference(smoothed=False)


def test_training_goes_on_from_a_pack(monkeypatch: pytest.MonkeyPatch, prepared: Path) -> None:
    pack = find_pack("mini")
    random = np.random.default_rng(0)
    sound = (0.1 * random.standard_normal(20 * pack.hop)).astype(np.float32)
    nets = torch.nn.ModuleDict(
        {"encoder": MiniEncoder(MiniConfiguration()), "vocoder": MiniVocoder(MiniConfiguration())}
    )
    load_pack(pack.folder, nets.eval())
    with torch.no_grad():
        features = nets["encoder"](torch.from_numpy(sound)[None], StreamingState())
        again = nets["vocoder"](features, StreamingState())
    # All that comes from weights; the cepstra of earlier packs hold the harmonics too.
    learned = [*range(MiniConfiguration().latent), pack.roles.pitch, pack.roles.voicing]
    np.testing.assert_allclose(features[0, :, learned].numpy(), pack.encoder().process(sound)[:, learned], atol=1e-3)
    np.testing.assert_allclose(again[0].numpy(), pack.vocoder().process(features[0].numpy()), atol=1e-3)

    before = {f"{side}.{name}": value for side in nets for name, value in nets[side].named_parameters()}
    after = run(monkeypatch, prepared, 1, "--from-pack", str(pack.folder))
    assert torch.load(prepared / "mini.pt", weights_only=True)["earlier"] == pack.card.values["training_steps"]
    # One step of the warm-up moves a weight by no more than a 200th of the rate.
    assert all((after[name] - value).abs().max() < 1e-4 for name, value in before.items())


def test_ablation_tells_what_each_part_is_worth(
    monkeypatch: pytest.MonkeyPatch, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--output", str(prepared), "--batch", "2", "--seconds", "0.6"]
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


def test_augmented_sound_keeps_its_length_and_changes() -> None:
    generator = torch.Generator().manual_seed(3)
    audio = torch.randn(6, 3200) * 0.1
    result = augment(audio, torch.randn(6, 3200), generator)
    assert result.shape == audio.shape
    assert torch.isfinite(result).all()
    assert ((result - audio).abs().amax(1) > 1e-3).all()


def test_a_room_adds_a_decaying_tail_and_delays_nothing() -> None:
    click = torch.zeros(32, 8000)
    click[:, 1000] = 1.0
    heard = reverberate(click, torch.Generator().manual_seed(5))
    torch.testing.assert_close(heard[:, :1001], click[:, :1001])
    tail = heard[:, 1001:]
    reverberant = tail.abs().amax(dim=1) > 1e-3
    assert 0 < reverberant.sum() < len(click)
    early, late = tail[reverberant, :800].square().sum(1), tail[reverberant, 4000:4800].square().sum(1)
    assert (late < early / 10).all()


def test_mini_streams_exactly_in_torch() -> None:
    torch.manual_seed(0)
    configuration = MiniConfiguration(encoder_width=32, vocoder_width=32, fine_width=16)
    encoder, vocoder = MiniEncoder(configuration).eval(), MiniVocoder(configuration).eval()
    audio = torch.randn(1, 42 * configuration.hop) * 0.1
    with torch.no_grad():
        features = encoder(audio, StreamingState())
        whole = vocoder(features, StreamingState())
        for frames in (1, 2, 3, 7):
            heard, made = StreamingState(), StreamingState()
            seen, parts = [], []
            for start in range(0, features.shape[1], frames):
                stop = start + frames
                seen.append(encoder(audio[:, start * configuration.hop : stop * configuration.hop], heard))
                # Of the same features, since the phase adds up what rounding does to the pitch.
                parts.append(vocoder(features[:, start:stop], made))
                heard, made = StreamingState(heard.next), StreamingState(made.next)
            assert (torch.cat(seen, 1) - features).abs().max() < 1e-5
            assert (torch.cat(parts, 1) - whole).abs().max() < 1e-5
