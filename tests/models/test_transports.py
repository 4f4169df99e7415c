"""The training of transports: exact parts, toys with known solutions, and the whole way from speech to a used map."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the extra 'export' (torch)")
import torch
from torch import Tensor

from export.transport import write_map
from models.streaming import StreamingState
from models.training import transports
from models.training.transport_features import Crops, Speech, without_long_pauses
from models.training.transport_systems import ContrastiveTransport, Objective, System, make_system, patch_nce
from models.transports import TransportConfiguration, TransportNet
from rtvc.app.transports import train_map
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_array
from rtvc.packs.pack import ModelPack
from rtvc.transport.choice import MapChoice
from rtvc.transport.trained import TrainedTransport, read_map_card
from rtvc.transport.trained_maps import MapLibrary
from rtvc.voices.voice import Voice
from tests.support.commands import refusal
from tests.support.packs import identity_pack
from tests.support.sounds import babble

RATE = 16_000
Samples = Callable[[], Tensor]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"), hop=160)


def random_net(pack: ModelPack, width: int = 16) -> TransportNet:
    torch.manual_seed(0)
    net = transports.new_net(pack, width)
    torch.nn.init.normal_(net.change.weight, std=0.1)
    return net.eval()


def features(pack: ModelPack, count: int) -> Block:
    return (0.1 * np.random.default_rng(0).standard_normal((count, pack.feature_dim))).astype(np.float32)


def test_a_new_map_is_the_identity(pack: ModelPack) -> None:
    given = torch.from_numpy(features(pack, 30))[None]
    assert torch.equal(transports.new_net(pack, 16)(given, StreamingState()), given)


def test_the_graph_streams_what_torch_computes_at_once(pack: ModelPack, tmp_path: Path) -> None:
    net = random_net(pack)
    card = {"system": "not", "voice": "Iris", "weight": 1.0, "seconds": 60.0, "steps": 1, "licence": ""}
    write_map(net, tmp_path / "map", pack, card)
    transport = TrainedTransport("not:Iris", tmp_path / "map", pack)
    given = features(pack, 126)
    with torch.no_grad():
        whole = net(torch.from_numpy(given)[None], StreamingState())[0].numpy()
    assert np.abs(whole - given).max() > 0.01
    for step in (1, 2, 3, 7):
        transport.reset()
        parts = [transport(given[start : start + step]) for start in range(0, len(given), step)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)
    np.testing.assert_array_equal(whole[:, -2:], given[:, -2:])


def test_a_frame_depends_on_57_frames_and_on_none_ahead(pack: ModelPack) -> None:
    net = random_net(pack)
    assert net.configuration.past == 56
    given = torch.from_numpy(features(pack, 140))[None]
    changed = given.clone()
    changed[:, 70] += 1.0
    with torch.no_grad():
        different = (net(changed, StreamingState()) != net(given, StreamingState()))[0].any(dim=1)
    assert different[70]
    assert different[120:127].any()
    assert not different[:70].any()
    assert not different[127:].any()


def test_frames_that_all_look_alike_cost_the_logarithm_of_their_number() -> None:
    same = torch.nn.functional.normalize(torch.ones(2, 50, 8), dim=-1)
    assert patch_nce(same, same).item() == pytest.approx(math.log(50), abs=1e-5)
    apart = torch.eye(50)[None]
    assert patch_nce(apart, apart).item() < 1e-4


def test_long_pauses_are_cut_and_silence_at_the_ends_is_dropped() -> None:
    active = np.repeat([False, True, False, True, False, True, False], [9, 4, 5, 3, 20, 2, 8])
    expected = np.repeat([False, True, False, True, False], [9, 4 + 5 + 3 + 5, 15, 2, 8])
    np.testing.assert_array_equal(without_long_pauses(active), expected)


def test_crops_are_stretches_of_one_speaker() -> None:
    speech = [np.arange(100, dtype=np.float32)[:, None] + 1000 * speaker for speaker in range(3)]
    drawn = Crops([*speech, np.zeros((5, 1), np.float32)], 10).draw(50, np.random.default_rng(0))
    np.testing.assert_array_equal(np.diff(drawn[:, :, 0]), 1.0)
    assert {int(row[0, 0]) // 1000 for row in drawn} == {0, 1, 2}


def trained(objective: Objective, source: Samples, target: Samples, steps: int, blocks: int = 1) -> System:
    """Train a map of single frames."""
    dim = source().shape[-1]
    net = TransportNet(TransportConfiguration(dim, tuple(range(dim)), 32, 1, (1,) * blocks))
    system = make_system(net, objective, kernel=1, averaging=0.95, width=32)
    for step in range(steps):
        system.advance(source, target, step / steps)
        system.follow(step + 1)
    return system


def gaussian(dim: int = 2) -> Samples:
    return lambda: torch.randn(1, 128, dim)


MATRIX = torch.tensor([[1.5, 0.6], [0.6, 0.5]])
SHIFT = torch.tensor([1.0, -2.0])


def unexplained(system: System) -> float:
    """The error of a map between Gaussians, as a share of the variance of the exact one, which is affine."""
    x = torch.randn(1, 2000, 2)
    wanted = x @ MATRIX + SHIFT
    with torch.no_grad():
        return float((system.average.move(x) - wanted).square().mean() / wanted.var(dim=1).mean())


@pytest.mark.parametrize(
    ("steps", "most"), [(60, 0.1), pytest.param(500, 0.01, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_neural_transport_finds_the_map_between_gaussians(steps: int, most: float) -> None:
    torch.manual_seed(0)
    source = gaussian()
    system = trained(
        Objective("not", rate=1e-2 if steps < 100 else 4e-3), source, lambda: source() @ MATRIX + SHIFT, steps
    )
    assert unexplained(system) < most


def disc() -> Tensor:
    """Draw points of the disc of radius 1 around (1, 0)."""
    radius, angle = torch.rand(1, 128).sqrt(), 2 * torch.pi * torch.rand(1, 128)
    return torch.stack([1 + radius * torch.cos(angle), radius * torch.sin(angle)], dim=-1)


def test_a_greater_weight_moves_points_less() -> None:
    costs = []
    x = torch.randn(1, 2000, 2, generator=torch.Generator().manual_seed(0))
    for weight in (1.0, 2.0, 4.0):
        torch.manual_seed(0)
        system = trained(Objective("xnot", weight, rate=1e-2), gaussian(), disc, steps=25)
        with torch.no_grad():
            costs.append(float((system.average.move(x) - x).square().mean()))
    assert costs[0] > costs[1] > costs[2]


class GanAlone(ContrastiveTransport):
    """CVC without its contrastive loss."""

    def contrastive(self, x: Tensor, moved: Tensor) -> Tensor:
        return x.new_zeros(())


def sounds(which: Tensor) -> Tensor:
    """Draw frames `[..., 2]` around (-1, 0) for sound 0 and (1, 0) for sound 1."""
    return torch.stack([2.0 * which - 1, torch.zeros_like(which)], dim=-1) + 0.15 * torch.randn(*which.shape, 2)


@pytest.mark.parametrize(("kind", "least", "most"), [(ContrastiveTransport, 0.9, 1.0), (GanAlone, 0.5, 0.75)])
def test_the_contrastive_loss_keeps_sounds_apart(kind: type[ContrastiveTransport], least: float, most: float) -> None:
    """The speakers use two sounds, the target one of them: to fool the discriminator, the other may be lost."""
    torch.manual_seed(0)
    net = TransportNet(TransportConfiguration(2, (0, 1), 16, 1, (1,) * 4))
    system = kind(net, Objective("cvc", identity=0.0, rate=1e-2), kernel=1, averaging=0.95, width=16)
    target = torch.tensor([0.0, 1.5])
    for step in range(80):
        system.advance(
            lambda: sounds(torch.rand(1, 48).round()), lambda: sounds(torch.ones(1, 48)) + target, step / 80
        )
        system.follow(step + 1)
    which = torch.arange(2.0).repeat_interleave(500)
    with torch.no_grad():
        moved = system.average.move(sounds(which)[None])[0]
    centres = torch.stack([moved[which == sound].mean(dim=0) for sound in (0, 1)])
    kept = float((torch.cdist(moved, centres).argmin(dim=1) == which).float().mean())
    assert least <= kept <= most
    # Both reach the target, whatever they lose on the way.
    assert torch.dist(moved.mean(dim=0), torch.tensor([1.0, 1.5])) < 0.3


def test_a_run_goes_on_where_it_stopped(pack: ModelPack, tmp_path: Path) -> None:
    speech = Speech([features(pack, 200)], [features(pack, 80)])

    def run(name: str, *stops: int) -> dict[str, Tensor]:
        for steps in stops:
            torch.manual_seed(0)
            system = make_system(transports.new_net(pack, 8), Objective("not"), width=8)
            schedule = transports.Schedule(steps=steps, batch=2, frames=20)
            transports.train(system, speech, speech, schedule, tmp_path / f"{name}.pt", {})
        saved = torch.load(tmp_path / f"{name}.pt", weights_only=True)
        assert saved["step"] == stops[-1]
        weights: dict[str, Tensor] = saved["state"]["nets"]
        return weights

    # The schedule of the learning rate depends on the length of the run; its first step does not.
    assert transports.Schedule(steps=4).progress(2, 0.0) == 0.5
    assert transports.Schedule(minutes=1.0).progress(2, 45.0) == 0.75
    first, again = run("first", 1), run("again", 1)
    resumed = run("first", 1, 2)
    for name, value in again.items():
        torch.testing.assert_close(first[name], value)
    assert any(not torch.equal(first[name], value) for name, value in resumed.items())


def recorded(folder: Path) -> list[str]:
    """Record a target and two sources; return the words that name them."""
    for place in ("target/0", "target/1", "sources/a/0", "sources/b/0"):
        path = folder / f"{place}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, babble(3, RATE, seed=len(place)), RATE)
    return ["--target", str(folder / "target"), "--sources", str(folder / "sources")]


@pytest.mark.parametrize("system", ["not", "xnot", "cvc"])
def test_speech_becomes_a_map_that_converts(
    pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], system: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    words = [
        "--system",
        system,
        "--pack",
        str(pack.folder),
        *recorded(tmp_path),
        "--voice",
        "Iris",
        "--work",
        str(tmp_path),
    ]
    words += ["--steps", "1", "--width", "8", "--batch", "2", "--output", str(tmp_path / "map")]
    if system == "xnot":
        words += ["--w", "2"]
    monkeypatch.setattr(sys, "argv", ["transports", *words])
    transports.main()
    printed = capsys.readouterr().out
    assert "held out, one MKL map for all speakers: energy distance" in printed
    card = read_map_card(tmp_path / "map")
    assert (card.system, card.voice, card.steps, card.pack_digest) == (system, "Iris", 1, pack.digest)
    assert card.weight == (2.0 if system == "xnot" else 1.0)
    MapLibrary().add(tmp_path / "map")
    voice = Voice("Iris", tmp_path / "target" / "0.wav")
    choice = MapChoice(f"{system}:Iris")
    converted, _ = convert_array(babble(2, RATE), RATE, voice, pack, Conversion(choice))
    assert np.isfinite(converted).all()
    assert np.abs(converted).max() > 0.01


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("target", "overlaps the recordings"),
        ("target/map", "overlaps the recordings"),
        ("sources", "overlaps the recordings"),
        ("", "overlaps the recordings"),
        ("training", "holds the --work folder"),
        ("mine", "is not a trained map"),
        ("mine/take.wav", "is not a trained map"),
    ],
)
def test_training_never_replaces_what_is_no_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, sentence: str, force: list[str]
) -> None:
    monkeypatch.setattr(transports, "target_speech", None)  # The refusal comes before the work.
    words = ["--system", "not", *recorded(tmp_path), "--steps", "1", "--work", str(tmp_path / "training" / "work")]
    (tmp_path / "training" / "work").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "take.wav").write_bytes(b"mine")
    before = contents(tmp_path)
    with pytest.raises(RtvcError, match=sentence):
        train_map([*words, "--output", str(tmp_path / output), *force])
    assert contents(tmp_path) == before


def test_a_map_is_replaced_only_by_force(pack: ModelPack, tmp_path: Path) -> None:
    card = {"system": "not", "voice": "Iris", "weight": 1.0, "seconds": 60.0, "steps": 1, "licence": ""}
    place = tmp_path / "map"
    place.mkdir()
    write_map(random_net(pack), place, pack, card)
    with pytest.raises(RtvcError, match="use --force"):
        write_map(random_net(pack), place, pack, {**card, "steps": 2})
    with pytest.raises(RtvcError, match="use --force"):
        transports.check_output(place, [], tmp_path / "work", force=False)
    assert read_map_card(place).steps == 1
    transports.check_output(place, [], tmp_path / "work", force=True)
    write_map(random_net(pack), place, pack, {**card, "steps": 2}, overwrite=True)
    assert read_map_card(place).steps == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--steps", "0"], "--steps 0 makes no sense"),
        (["--steps", "1", "--minutes", "nan"], "--minutes nan makes no sense"),
        (["--steps", "1", "--rate", "-1"], "--rate -1 makes no sense"),
        (["--steps", "1", "--source-seconds", "0"], "--source-seconds 0 makes no sense"),
        (["--steps", "1", "--voice", "Bad/Name"], "'Bad/Name' cannot be a voice's name"),
    ],
)
def test_what_cannot_end_well_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.setattr(transports, "target_speech", None)
    with pytest.raises(RtvcError, match=sentence):
        train_map(["--system", "not", *recorded(tmp_path), "--output", str(tmp_path / "map"), *words])


def test_a_checkpoint_of_another_training_is_not_taken_for_this_one(pack: ModelPack, tmp_path: Path) -> None:
    words = ["--system", "not", "--pack", str(pack.folder), *recorded(tmp_path), "--work", str(tmp_path / "work")]
    words += ["--steps", "1", "--width", "8", "--batch", "2"]
    iris, fern = (["--voice", name, "--output", str(tmp_path / name / "map")] for name in ("Iris", "Fern"))
    train_map([*words, *iris])
    for different, names in [
        (fern, "voice"),
        ([*iris, "--after-mkl"], "--after-mkl"),
        ([*iris, "--width", "9"], "net"),
        ([*iris, "--rate", "0.1"], "objective"),
        ([*iris, "--target", str(tmp_path / "sources" / "a")], "target"),
        ([*fern, "--sources", str(tmp_path / "target")], "voice, sources"),
    ]:
        with pytest.raises(RtvcError, match=rf"map\.pt comes from a training that differs in {names}: give"):
            train_map([*words, *different, "--force"])
    train_map([*words, *iris, "--steps", "2", "--force"])
    assert read_map_card(tmp_path / "Iris" / "map").steps == 2
    assert not (tmp_path / "Fern").exists()


def test_the_command_line_trains_with_the_words_of_the_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        train_map(["--system", "not", "--w", "2", "--target", "t", "--sources", "s", "--output", "o", "--steps", "1"])
    assert "rtvc transports train: error: --w is 1 to 1000, and an option of xnot" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "models.training.transports", None)
    assert "Training a map needs PyTorch" in refusal("transports", "train", "--system", "not")
