"""Trained maps as they are used: streamed, refitted, refused. How they are trained is in tests/models."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx.external_data_helper import convert_model_to_external_data
from typer.testing import CliRunner

from rtvc.audio_file import AudioFile
from rtvc.cli import app
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet, FeatureStatistics
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.file_conversion import convert_array, convert_file
from rtvc.live.map_fitter import MapFitter, MapRequest, Speaker
from rtvc.packs.card import CARD, STATISTICS
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.transport import ContextTransport, PitchedTransport, TransportStage, trained_maps
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.mkl import fit_mkl, fit_pitch
from rtvc.transport.pitch import PitchControl
from rtvc.transport.trained import GRAPH, SYSTEMS, TrainedTransport
from rtvc.transport.trained_maps import MapLibrary
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice
from tests.support.mutate import text_mutants
from tests.support.packs import identity_pack
from tests.support.sounds import babble
from tests.support.trained_maps import expected, write_trained_map

RATE = 16_000
CHOICE = MapChoice("not:Iris")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"), hop=160)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pack: ModelPack) -> Path:
    return write_trained_map(tmp_path_factory.mktemp("maps") / "iris", pack)


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MapLibrary:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return MapLibrary()


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    path = tmp_path / "Iris.wav"
    soundfile.write(path, babble(5, RATE, seed=7), RATE)
    return Voice("Iris", path)


def frames(pack: ModelPack, count: int, seed: int = 0) -> Block:
    random = np.random.default_rng(seed)
    made = random.standard_normal((count, pack.feature_dim)).astype(np.float32)
    made[:, -1] = np.arange(count) % 2
    return made


def feature_set(pack: ModelPack, seed: int) -> FeatureSet:
    return FeatureSet.of(frames(pack, 200, seed), roles=pack.roles)


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_map_streams_and_leaves_pitch_and_voicing_alone(pack: ModelPack, trained: Path, step: int) -> None:
    transport = TrainedTransport("not:Iris", trained, pack)
    assert isinstance(transport, ContextTransport)
    assert isinstance(transport, PitchedTransport)
    whole = frames(pack, 42)
    for _ in range(2):
        parts = [transport(whole[start : start + step]) for start in range(0, 42, step)]
        np.testing.assert_allclose(np.concatenate(parts), expected(whole, pack), rtol=1e-6, atol=1e-6)
        transport.reset()


def test_strength_goes_part_of_the_way(pack: ModelPack, trained: Path) -> None:
    whole = frames(pack, 20)
    stage = TransportStage(TrainedTransport("not:Iris", trained, pack), 0.25, 50)
    np.testing.assert_allclose(
        stage.process(whole), whole + 0.25 * (expected(whole, pack) - whole), rtol=1e-5, atol=1e-6
    )


def test_a_refit_replaces_the_map_of_pitch_and_keeps_the_streaming_state(
    pack: ModelPack, trained: Path, library: MapLibrary
) -> None:
    library.add(trained)
    target = feature_set(pack, 1)
    first = fit_map(pack, feature_set(pack, 2), target, CHOICE)
    whole = frames(pack, 20)
    stage = TransportStage(first, 1.0, 50, pitch=PitchControl(semitones=12.0))
    early = stage.process(whole[:10])
    assert isinstance(first, TrainedTransport)
    before = first.pitch
    again = fit_map(pack, feature_set(pack, 3), target, CHOICE, former=first)
    assert again is first
    assert first.pitch != before
    late = stage.process(whole[10:])
    ordinary = pack.roles.ordinary(pack.feature_dim)
    np.testing.assert_allclose(
        np.concatenate([early, late])[:, ordinary], expected(whole, pack)[:, ordinary], rtol=1e-6, atol=1e-6
    )
    octave = np.float32(np.log(2))
    for part, rows, pitch in ((early, whole[:10], before), (late, whole[10:], first.pitch)):
        index = pack.roles.pitch
        np.testing.assert_allclose(part[:, index], pitch(rows)[:, index] + octave, rtol=1e-5)


def test_a_map_behind_mkl_gets_the_speaker_as_mkl_moves_them(
    pack: ModelPack, tmp_path: Path, library: MapLibrary
) -> None:
    there = feature_set(pack, 4).statistics
    library.add(write_trained_map(tmp_path / "map", pack, target=there))
    source, target, whole = feature_set(pack, 2), feature_set(pack, 1), frames(pack, 20)
    moved = TransportStage(fit_map(pack, source, target, CHOICE), 1.0, 50).process(whole)
    first = fit_mkl(source.statistics, there, pack.defaults.block_size)(whole)
    ordinary, pitch = pack.roles.ordinary(pack.feature_dim), pack.roles.pitch
    np.testing.assert_allclose(moved[:, ordinary], expected(first, pack)[:, ordinary], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        moved[:, pitch], fit_pitch(source.statistics, target.statistics)(whole)[:, pitch], rtol=1e-6
    )


def test_a_trained_map_overdrives_the_cepstra_as_mkl_does(tmp_path: Path) -> None:
    mini = find_pack("mini")
    folder = write_trained_map(tmp_path / "map", mini)
    whole = frames(mini, 20)
    moved = TrainedTransport("not:Iris", folder, mini)(whole)
    learned, cepstra = mini.roles.groups(mini.feature_dim)
    change, asked = moved - whole, expected(whole, mini) - whole
    np.testing.assert_allclose(change[:, learned], asked[:, learned], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(change[:, cepstra], mini.defaults.overdrive * asked[:, cepstra], rtol=1e-5, atol=1e-5)


def test_the_fitter_keeps_the_map_while_it_learns_the_speaker(
    pack: ModelPack, trained: Path, library: MapLibrary, voice: Voice
) -> None:
    library.add(trained)
    speaker = Speaker(pack)
    fitter = MapFitter(pack, speaker, VoiceLibrary())
    request = MapRequest(str(voice.reference), CHOICE)
    fitter.ask(request)
    fitter.work()
    assert fitter.error == ""
    first = fitter.transport
    assert isinstance(first, TrainedTransport)
    heard = frames(pack, 3 * pack.frame_rate)
    speaker(heard, np.ones(len(heard), bool))
    pitch = first.pitch
    fitter.ask(request)
    fitter.work()
    assert fitter.transport is first
    assert first.pitch != pitch
    fitter.ask(MapRequest("Willow", CHOICE))
    fitter.work()
    assert "converts only to the voice Iris, not to Willow" in fitter.error
    assert fitter.voice == str(voice.reference)


@pytest.mark.parametrize("mode", [Mode.TWO_PASS, Mode.LIVE])
def test_a_recording_is_converted_by_a_trained_map(
    pack: ModelPack, trained: Path, library: MapLibrary, voice: Voice, tmp_path: Path, mode: Mode
) -> None:
    library.add(trained)
    source = tmp_path / "source.wav"
    soundfile.write(source, babble(2, RATE), RATE)
    own = convert_array(babble(2, RATE), RATE, voice, pack, Conversion(MapChoice(strength=0.0), mode))[0]
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(CHOICE, mode))
    moved = AudioFile(tmp_path / "out.wav").read()
    assert len(moved) == 2 * RATE
    # Twice the sample, and the one that lies a frame before it; the chain restores the source's level.
    late = np.concatenate([np.zeros(pack.hop, np.float32), own[: -pack.hop]])
    middle = slice(RATE // 2, -RATE // 2)
    assert np.corrcoef(moved[middle], (2 * own + late)[middle])[0, 1] > 0.98
    assert np.corrcoef(moved[middle], own[middle])[0, 1] < 0.95


def test_another_voice_a_blend_and_the_mode_whole_file_are_refused(
    pack: ModelPack, trained: Path, library: MapLibrary
) -> None:
    library.add(trained)
    voices = VoiceLibrary()
    for name in ("Willow", "Iris:0.5,Willow:0.5"):
        with pytest.raises(RtvcError, match=rf"not:Iris converts only to the voice Iris, not to {name}"):
            convert_array(babble(1, RATE), RATE, voices.open(name), pack, Conversion(CHOICE))
    with pytest.raises(RtvcError, match="choose another mode than whole-file"):
        Conversion(CHOICE, Mode.WHOLE_FILE).check()


def test_a_map_of_another_pack_is_refused_by_name(
    pack: ModelPack, trained: Path, library: MapLibrary, tmp_path: Path
) -> None:
    library.add(trained)
    other = identity_pack(tmp_path / "other", hop=320)
    with pytest.raises(RtvcError, match=r"The map not:Iris was trained for the model pack identity \(") as no:
        library.open("not:Iris", other)
    assert pack.digest[:8] in str(no.value)
    assert other.digest[:8] in str(no.value)


def _cut(folder: Path) -> None:
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-10])


def _change_card(**values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        card = json.loads((folder / CARD).read_text())
        (folder / CARD).write_text(json.dumps({**card, **values}))

    return change


DAMAGE = {
    "no card": (lambda folder: (folder / CARD).unlink(), "is not a trained map: it has no card.json"),
    "no graph": (lambda folder: (folder / GRAPH).unlink(), "transport.onnx cannot be read"),
    "cut off": (_cut, "transport.onnx does not have the digest that its card names"),
    "no JSON": (lambda folder: (folder / CARD).write_text("{"), "card.json is damaged"),
    "a pack": (_change_card(kind="pack"), "is not a trained map: its card.json describes something else"),
    "version": (_change_card(format=2), "has format version 2, and this program reads version 1"),
    "system": (_change_card(system="gan"), "system must be one of not, xnot, cvc"),
    "path as voice": (_change_card(voice="../Iris"), "cannot be a voice's name"),
    "weight": (_change_card(weight=0.5), "weight must be a number from 1 to 1000"),
    "digest": (_change_card(graph={"sha256": "../x"}), "a digest is not a SHA-256"),
    "no statistics": (lambda folder: (folder / STATISTICS).unlink(), "statistics.npz cannot be read"),
    "other statistics": (lambda folder: (folder / STATISTICS).write_bytes(b""), "statistics.npz does not have the"),
    "lists": (_change_card(pack=[]), "it has something else where an object is expected"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_map_is_refused_and_nothing_is_added(
    pack: ModelPack, library: MapLibrary, tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    folder = write_trained_map(tmp_path / "map", pack, target=feature_set(pack, 1).statistics)
    damage(folder)
    with pytest.raises(RtvcError) as refused:
        library.add(folder)
    assert reason in str(refused.value)
    assert not library.folder.exists()


def test_a_mangled_card_ends_in_a_sentence_or_a_map(pack: ModelPack, library: MapLibrary, tmp_path: Path) -> None:
    folder = write_trained_map(tmp_path / "map", pack)
    for mutant in text_mutants((folder / CARD).read_text(), 100):
        (folder / CARD).write_text(mutant, errors="replace")
        refused = ""
        try:
            library.add(folder, replace=True)
        except RtvcError as error:
            refused = str(error)
        assert refused.isprintable()
    # Whatever was added lies where it should.
    added = {path.relative_to(library.folder).parts for path in library.folder.glob(f"**/{CARD}")}
    assert all(len(parts) == 3 and parts[0] in SYSTEMS for parts in added)


def test_weights_outside_the_file_are_refused(
    pack: ModelPack, library: MapLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_trained_map(tmp_path / "map", pack)
    model = onnx.load(folder / GRAPH)
    convert_model_to_external_data(model, location="leak.bin", size_threshold=0)
    onnx.save(model, folder / GRAPH)
    sign(folder)
    monkeypatch.chdir(folder)
    with pytest.raises(RtvcError, match=r"transport.onnx keeps weights in another file"):
        library.add(folder)


def test_a_graph_of_another_kind_and_one_that_explodes_are_refused(
    pack: ModelPack, library: MapLibrary, tmp_path: Path
) -> None:
    folder = write_trained_map(tmp_path / "encoder", pack)
    (folder / GRAPH).write_bytes((pack.folder / "encoder.onnx").read_bytes())
    sign(folder)
    with pytest.raises(RtvcError, match="is a graph of kind encoder, not transport"):
        library.add(folder)
    library.add(write_trained_map(tmp_path / "wild", pack, gain=float("nan")))
    voices = feature_set(pack, 1), feature_set(pack, 2)
    with pytest.raises(RtvcError, match="The trained map not:Iris does not produce usable values"):
        fit_map(pack, *voices, CHOICE)


def sign(folder: Path) -> None:
    _change_card(graph={"sha256": hashlib.sha256((folder / GRAPH).read_bytes()).hexdigest()})(folder)


def test_statistics_of_another_feature_space_are_refused(
    pack: ModelPack, library: MapLibrary, tmp_path: Path
) -> None:
    library.add(write_trained_map(tmp_path / "map", pack, target=FeatureStatistics.of(frames(pack, 50)[:, :3])))
    with pytest.raises(RtvcError, match="does not contain statistics of identity's features"):
        library.open("not:Iris", pack)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("not", "not is a system of trained maps: name one, such as not:Iris"),
        ("nut:Iris", "There is no system 'nut' of trained maps: choose one of not, xnot, cvc. Did you mean not?"),
        ("not:../../Iris", "cannot be a trained map's name"),
        ("not:Iri", "There is no trained map 'not:Iri'. Did you mean not:Iris?"),
    ],
)
def test_a_wrong_name_gets_a_sentence(
    pack: ModelPack, trained: Path, library: MapLibrary, name: str, reason: str
) -> None:
    library.add(trained)
    statistics = FeatureStatistics.of(frames(pack, 50), roles=pack.roles)
    source = FeatureSet(frames(pack, 0), statistics)
    with pytest.raises(RtvcError) as refused:
        fit_map(pack, source, source, MapChoice(name))
    assert reason in str(refused.value)


def run(*words: str | Path) -> str:
    result = CliRunner().invoke(app, ["transports", *map(str, words)], terminal_width=200)
    return str(result.exception) if result.exit_code else result.output


def test_maps_are_added_listed_shown_and_removed(pack: ModelPack, trained: Path, library: MapLibrary) -> None:
    assert "not:Iris: added. Use it with --voice Iris --transport not:Iris." in run("add", trained)
    assert "A trained map not:Iris already exists" in run("add", trained)
    assert "not:Iris: added" in run("add", trained, "--force")
    assert "not:other: added" in run("add", trained, "--name", "other")
    assert [entry.name for entry in library.entries() if not entry.shipped] == ["not:Iris", "not:other"]
    assert library.leading_to("Iris", pack.digest)[0][0] == "not:Iris"
    assert library.leading_to("Willow", pack.digest) == []
    listed = run("list")
    assert "not:Iris" in listed
    assert "not:other" in listed
    shown = run("show", "not:Iris")
    assert "neural optimal transport to the voice Iris" in shown
    assert "trained for 1000 steps on 10.0 min of the target" in shown
    (library.folder / "not" / "other" / CARD).write_text("{")
    assert "damaged" in run("list")
    assert "not:other: removed" in run("remove", "not:other")
    assert [entry.name for entry in library.entries() if not entry.shipped] == ["not:Iris"]


def test_one_map_of_each_system_comes_with_mini_and_leads_to_a_shipped_voice() -> None:
    mini, voices = find_pack("mini"), {voice.name for voice in shipped_voices()}
    shipped = [entry.name for entry in MapLibrary().entries() if entry.shipped]
    assert {name.partition(":")[0] for name in shipped} == set(SYSTEMS)
    for name in shipped:
        assert MapLibrary().open(name, mini).card.voice in voices


def test_a_map_that_came_with_the_program_gives_way_to_the_users_own_and_cannot_be_removed(
    pack: ModelPack, library: MapLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trained_map(tmp_path / "shipped" / "not" / "Iris", pack, steps=7)
    monkeypatch.setattr(trained_maps, "shipped_maps", lambda: tmp_path / "shipped")
    assert "shipped" in run("list")
    assert "trained for 7 steps" in run("show", "not:Iris")
    assert "came with the program; you cannot remove it" in run("remove", "not:Iris")
    library.add(write_trained_map(tmp_path / "mine", pack, steps=8))
    assert "trained for 8 steps" in run("show", "not:Iris")
    run("remove", "not:Iris")
    assert "trained for 7 steps" in run("show", "not:Iris")
