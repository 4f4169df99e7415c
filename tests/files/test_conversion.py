"""Conversion of files, measured through a pack whose features are the audio itself, and its command."""

import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rtvc.chain.voice_chain import block_length
from rtvc.cli import app, main
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS, Transport
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.statistics import FeatureSet
from rtvc.voices.voice import Voice
from tests.support.packs import identity_pack
from tests.support.sounds import babble
from tests.support.transports import KERNEL, LOOKAHEAD, QUICK_FLOW, Smoother

STILL = Conversion(MapChoice(strength=0.0))


@pytest.fixture
def pack(tmp_path: Path) -> ModelPack:
    return identity_pack(tmp_path / "pack")


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice("target", write(tmp_path / "target.wav", babble(5, 16_000, seed=1), 16_000))


def write(path: Path, sound: Block, rate: int, **options: str) -> Path:
    soundfile.write(path, sound, rate, **options)
    return path


def read(path: Path) -> Block:
    sound: Block = soundfile.read(path, dtype="float32")[0]
    return sound


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_the_output_is_as_long_as_the_source_and_aligned_with_it(
    pack: ModelPack, voice: Voice, tmp_path: Path, rate: int
) -> None:
    sound = np.zeros(rate * 2 + 123, np.float32)
    pulse = np.hanning(rate // 400) * 0.5
    centres = [rate // 3, rate, rate * 2 - rate // 50]
    for centre in centres:
        start = centre - len(pulse) // 2
        sound[start : start + len(pulse)] += pulse
    source = write(tmp_path / "source.wav", sound, rate)
    convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    result = read(tmp_path / "out.wav")
    assert len(result) == len(sound)
    for centre in centres:
        near = slice(centre - rate // 20, min(centre + rate // 20, len(result)))
        assert np.argmax(result[near]) + near.start == pytest.approx(centre, abs=max(2, rate // 10_000))


def test_another_rate_of_the_output(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(1.5, 44_100), 44_100)
    convert_file(source, voice, tmp_path / "out.flac", pack, Conversion(sample_rate=48_000))
    result = AudioFile(tmp_path / "out.flac")
    assert (result.rate, result.frames) == (48_000, 72_000)


def test_steps_of_any_size_give_the_same_samples(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    results = []
    for step in (1, 25, None):
        output = tmp_path / f"out-{step}.wav"
        convert_file(source, voice, output, pack, Conversion(step=step))
        results.append(read(output))
    # 16 bits: one unit of rounding.
    assert max(np.abs(results[0] - other).max() for other in results[1:]) <= 1e-4


def test_the_mode_live_comes_to_what_two_passes_give(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    """Learning from a level and statistics that are not the speaker's, the sound nears that of the whole file."""
    source = write(tmp_path / "source.wav", babble(12, 16_000) * 0.3, 16_000)
    results = []
    for mode in (Mode.TWO_PASS, Mode.LIVE):
        convert_file(source, voice, tmp_path / f"{mode}.wav", pack, Conversion(mode=mode))
        results.append(read(tmp_path / f"{mode}.wav"))
    error = [np.std(part) for part in np.split(results[1] - results[0], 12)]
    assert error[-1] < 0.2 * np.std(results[0])
    assert error[-1] < 0.5 * error[0]


@pytest.mark.parametrize("mode", [Mode.TWO_PASS, Mode.LIVE])
def test_a_map_with_state_and_lookahead_stays_aligned_in_steps_of_any_size(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """Its features being the audio itself, the map is a filter over three frames, known beforehand."""
    monkeypatch.setitem(FITS, "smooth", lambda source, target: Smoother())
    sound = babble(2, 16_000) * 0.3
    source = write(tmp_path / "source.wav", sound, 16_000, subtype="FLOAT")
    frames = np.pad(sound.reshape(-1, pack.hop), ((1, 1), (0, 0)))
    expected = sum(weight * frames[at : at + 100] for at, weight in enumerate(KERNEL)).reshape(-1)
    for step in (1, 7, None):
        outcome = convert_file(
            source,
            voice,
            tmp_path / "out.wav",
            pack,
            Conversion(MapChoice("smooth"), mode=mode, step=step),
            overwrite=True,
        )
        assert outcome.latency == Fraction(2 + LOOKAHEAD, pack.frame_rate)
        # While the level is learnt, it differs a little from frame to frame.
        np.testing.assert_allclose(read(tmp_path / "out.wav"), expected, atol=0.01 if mode is Mode.LIVE else 1e-4)


def test_the_source_s_level_is_kept(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    quiet = babble(2, 16_000) * 0.1
    source = write(tmp_path / "source.wav", quiet, 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion())
    assert np.std(read(tmp_path / "out.wav")) == pytest.approx(np.std(quiet), rel=0.15)


def test_the_map_moves_the_source_onto_the_voice(pack: ModelPack, tmp_path: Path) -> None:
    """Through features that are the audio itself, a target twice as loud in its second half frame is heard so."""
    shape = np.repeat([1.0, 2.0], pack.hop // 2)
    target = babble(6, 16_000, seed=1) * np.tile(shape, 300)
    voice = Voice("shaped", write(tmp_path / "shaped.wav", target.astype(np.float32), 16_000))
    source = write(tmp_path / "source.wav", babble(6, 16_000), 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(MapChoice(block_size=1)))
    frames = read(tmp_path / "out.wav")[: 299 * pack.hop].reshape(-1, pack.hop)
    halves = np.std(frames[:, : pack.hop // 2]), np.std(frames[:, pack.hop // 2 :])
    assert halves[1] / halves[0] == pytest.approx(2, rel=0.1)


def test_memory_does_not_grow_with_the_length(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak while converting 3 minutes, silence included, is that of 1 minute; an hour takes the same path."""
    peaks = []
    monkeypatch.setattr("rtvc.files.streamed_conversion.MOST_SOURCE_SECONDS", 10)
    voice.features(pack)
    for minutes in (1, 3):
        source = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(source, "w", 16_000, 1) as file:
            for second in range(60 * minutes):
                file.write(babble(1, 16_000, second) * (second % 20 < 15))
        tracemalloc.start()
        convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(), overwrite=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000


def test_silence_converts_to_silence_with_a_warning(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    outcome = convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    assert not read(tmp_path / "out.wav").any()
    assert any("silent.wav: holds no speech" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("transport", FITS)
def test_silence_converts_by_every_transport(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    source = write(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(MapChoice(transport)))
    assert len(read(tmp_path / "out.wav")) == 16_000


def test_a_fit_tells_its_progress_and_can_be_given_up(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    output = tmp_path / "out.wav"
    told: list[float] = []
    convert_file(source, voice, output, pack, Conversion(MapChoice("flow")), fitting=told.append)
    assert told == [0.5, 1.0]
    before = output.read_bytes()

    class Enough(Exception):  # noqa: N818 - not an error
        pass

    def refuse(share: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        convert_file(source, voice, output, pack, Conversion(MapChoice("flow")), overwrite=True, fitting=refuse)
    assert output.read_bytes() == before
    convert_file(source, voice, output, pack, Conversion(MapChoice("mkl")), overwrite=True, fitting=refuse)


def test_clipping_is_counted_and_warned_of(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "clipped.wav", np.clip(babble(2, 16_000) * 30, -1, 1), 16_000)
    outcome = convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    assert any("samples are clipped" in warning for warning in outcome.warnings)


def test_a_failure_leaves_the_old_output(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    sound = babble(2, 16_000)
    sound[30_000] = np.nan
    source = write(tmp_path / "nan.wav", sound, 16_000, subtype="FLOAT")
    output = write(tmp_path / "out.wav", babble(0.1, 16_000), 16_000)
    before = output.read_bytes()
    with pytest.raises(RtvcError, match="NaN or infinite samples, the first at"):
        convert_file(source, voice, output, pack, Conversion(), overwrite=True)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_odd_rates_get_blocks_that_are_whole_everywhere(pack: ModelPack) -> None:
    assert block_length(48_000, 48_000, pack, 1) == 960
    assert block_length(44_100, 48_000, pack, 3) == 3 * 882
    assert block_length(11_025, 16_000, pack, 1) == 441
    assert block_length(16_000, 11_025, pack, 1) == 640


def test_a_sample_that_is_less_than_one_of_the_output_becomes_one(
    pack: ModelPack, voice: Voice, tmp_path: Path
) -> None:
    source = write(tmp_path / "source.wav", babble(0.1, 192_000)[:1], 192_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(sample_rate=8000))
    assert AudioFile(tmp_path / "out.wav").frames == 1


class TestCommand:
    @pytest.fixture(autouse=True)
    def own_voices(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def fails(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
        """Run the program; return its complaint, which must be one line, with exit code 2."""
        monkeypatch.setattr("sys.argv", ["rtvc", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        complaint = capsys.readouterr().err.strip()
        assert "Traceback" not in complaint
        assert len(complaint.splitlines()) == 1
        return complaint

    def test_a_file(self, pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
        source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
        words = [str(source), "--voice", str(voice.reference), "-o", str(tmp_path / "out.wav")]
        result = CliRunner().invoke(app, ["convert", *words, "--pack", str(pack.folder)])
        assert result.exit_code == 0, result.output
        assert "real-time factor" in result.output
        assert "latency of the chain 40.0 ms" in result.output
        assert AudioFile(tmp_path / "out.wav").frames == 32_000

    def test_a_flow_towards_a_stored_voice_is_fitted_once(
        self, pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fits: list[str] = []

        def counted(*voices: FeatureSet, **options: Any) -> Transport:  # noqa: ANN401
            fits.append("flow")
            return QUICK_FLOW(*voices, **options)

        monkeypatch.setitem(FITS, "flow", counted)
        VoiceLibrary().add("kept", [voice.reference], pack)
        source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
        outputs = []
        for name in ("kept", "kept", str(voice.reference)):
            words = [str(source), "--voice", name, "-o", str(tmp_path / "out.wav"), "--transport", "flow", "--force"]
            result = CliRunner().invoke(app, ["convert", *words, "--pack", str(pack.folder)], catch_exceptions=False)
            assert result.exit_code == 0, result.output
            outputs.append((len(fits), (tmp_path / "out.wav").read_bytes()))
        assert [count for count, _ in outputs] == [1, 1, 2]
        assert outputs[0] == outputs[1]

    def test_a_folder_goes_on_past_a_bad_file(
        self,
        pack: ModelPack,
        voice: Voice,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "in" / "deep").mkdir(parents=True)
        write(tmp_path / "in" / "a.wav", babble(1.5, 16_000), 16_000)
        write(tmp_path / "in" / "deep" / "b.flac", babble(1.5, 16_000), 16_000)
        (tmp_path / "in" / "c.wav").write_text("not audio")
        words = [str(tmp_path / "in"), "--voice", str(voice.reference), "-o", str(tmp_path / "out"), "--jobs", "2"]
        monkeypatch.setattr("sys.argv", ["rtvc", "convert", *words, "--pack", str(pack.folder)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert "1 of 3 recordings were not converted" in capsys.readouterr().err
        assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["a.wav", "b.flac"]

    def test_errors_are_one_line_with_exit_code_2(
        self,
        pack: ModelPack,
        voice: Voice,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        good = write(tmp_path / "good.wav", babble(2, 16_000), 16_000)
        (tmp_path / "empty.wav").touch()
        (tmp_path / "text.wav").write_text("not audio")
        (tmp_path / "cut.wav").write_bytes(good.read_bytes()[:9000])
        short = write(tmp_path / "short.wav", babble(0.5, 16_000), 16_000)
        output = str(tmp_path / "out.wav")

        def complaint(source: object, voice: object, output: str = output, *more: str) -> str:
            words = [str(source), "--voice", str(voice), "-o", output, "--pack", str(pack.folder), *more]
            return self.fails(capsys, monkeypatch, "convert", *words)

        target = voice.reference
        assert "missing.wav: no such file" in complaint(tmp_path / "missing.wav", target)
        assert "empty.wav: is empty" in complaint(tmp_path / "empty.wav", target)
        assert "text.wav: is not audio" in complaint(tmp_path / "text.wav", target)
        assert "cut.wav: is cut short" in complaint(tmp_path / "cut.wav", target)
        assert "missing.wav: no such file" in complaint(good, tmp_path / "missing.wav")
        assert "short.wav: holds 0.5 s of speech" in complaint(good, short)
        assert "no voice 'nobody'" in complaint(good, "nobody")
        assert "exists already; use --force" in complaint(good, target, str(good))
        assert "its folder does not exist" in complaint(good, target, str(tmp_path / "no" / "out.wav"))
        assert "give the output one of" in complaint(good, target, str(tmp_path / "out.xyz"))
        assert "no model pack 'nothing'" in complaint(good, target, output, "--pack", "nothing")
        assert "no transport named 'magic'" in complaint(good, target, output, "--transport", "magic")
        assert "choose the mode two-pass, or the transport mkl or knn" in complaint(
            good, target, output, "--mode", "live", "--transport", "flow"
        )
        assert "is an option of the transport mkl" in complaint(
            good, target, output, "--transport", "knn", "--block-size", "2"
        )
        assert "nowhere: no such file or folder" in complaint(tmp_path / "nowhere", target, str(tmp_path / "out"))
        assert f"is a folder; name a file in it, such as {tmp_path}" in complaint(good, target, str(tmp_path))
        assert not Path(output).exists()

    def test_an_output_folder_that_is_a_file_is_named(
        self,
        pack: ModelPack,
        voice: Voice,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "in").mkdir()
        write(tmp_path / "in" / "a.wav", babble(1.5, 16_000), 16_000)
        (tmp_path / "file").touch()
        wanted = ("--voice", str(voice.reference), "--pack", str(pack.folder))
        for command in (("convert", str(tmp_path / "in"), *wanted), ("demo",)):
            said = self.fails(capsys, monkeypatch, *command, "-o", str(tmp_path / "file"))
            assert "file: the folder cannot be made" in said

    def test_two_recordings_that_would_become_one_are_refused_before_any_is_converted(
        self,
        pack: ModelPack,
        voice: Voice,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "in").mkdir()
        for name in ("a.aiff", "a.wav"):
            write(tmp_path / "in" / name, babble(1.5, 16_000), 16_000)
        words = (str(tmp_path / "in"), "--voice", str(voice.reference), "--pack", str(pack.folder))
        said = self.fails(capsys, monkeypatch, "convert", *words, "-o", str(tmp_path / "out"), "--force")
        assert "a.aiff and" in said
        assert f"would both become {tmp_path / 'out' / 'a.wav'}" in said
        assert not (tmp_path / "out").exists()
        said = self.fails(capsys, monkeypatch, "convert", *words, "-o", str(tmp_path / "in"), "--force")
        assert "is the folder of the recordings themselves" in said

    def test_outputs_below_the_folder_are_not_converted_again(
        self, pack: ModelPack, voice: Voice, tmp_path: Path
    ) -> None:
        (tmp_path / "in").mkdir()
        write(tmp_path / "in" / "a [take 2] :dog:.wav", babble(1.5, 16_000), 16_000)
        words = [str(tmp_path / "in"), "--voice", str(voice.reference), "-o", str(tmp_path / "in" / "out"), "--force"]
        for _ in range(2):
            result = CliRunner().invoke(app, ["convert", *words, "--pack", str(pack.folder)], catch_exceptions=False)
            assert result.exit_code == 0, result.output
            # Names stand as they are, whatever they mean elsewhere.
            assert f"{tmp_path / 'in' / 'out' / 'a [take 2] :dog:.wav'}: 1.5 s" in result.output
        assert len(list((tmp_path / "in").rglob("*.wav"))) == 2

    def test_names_that_look_like_markup_are_printed(self, pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
        source = write(tmp_path / "[bold]x [2].wav", np.zeros(32_000, np.float32), 16_000)
        words = [str(source), "--voice", str(voice.reference), "-o", str(tmp_path / "[red]z.wav")]
        result = CliRunner().invoke(app, ["convert", *words, "--pack", str(pack.folder)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert "[red]z.wav: 2.0 s" in result.output
        assert "warning" in result.output
        assert "[bold]x [2].wav: holds no speech" in result.output

    def test_a_path_that_the_system_refuses_is_one_line(
        self,
        pack: ModelPack,
        voice: Voice,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        good, output, target = str(write(tmp_path / "a.wav", babble(2, 16_000), 16_000)), "out.wav", voice.reference
        long = "x" * 5000
        for words in (
            (long, "--voice", str(target), "-o", output),
            (f"{long}.wav", "--voice", str(target), "-o", output),
            (good, "--voice", f"{long}.wav", "-o", output),
            (good, "--voice", long, "-o", output),
            (good, "--voice", str(target), "-o", f"{long}.wav"),
            (good, "--voice", str(target), "-o", output, "--pack", long),
        ):
            monkeypatch.chdir(tmp_path)
            complaint = self.fails(capsys, monkeypatch, "convert", *words)
            assert long[:70] in complaint
            assert not (tmp_path / output).exists()

    def test_debug_shows_the_traceback(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.argv", ["rtvc", "--debug", "voices", "show", "nobody"])
        with pytest.raises(RtvcError):
            main()

    def test_voices_are_added_listed_shown_and_removed(self, pack: ModelPack, voice: Voice) -> None:
        def run(*words: str) -> str:
            result = CliRunner().invoke(app, ["voices", *words])
            assert result.exit_code == 0, result.output
            return result.output

        assert "s of speech" in run("add", "someone", str(voice.reference), "--pack", str(pack.folder))
        assert "someone" in run("list")
        assert "16000 Hz" in run("show", "someone", "--pack", str(pack.folder))
        run("remove", "someone")
        assert "someone" not in run("list")

    def test_a_damaged_voice_is_listed_as_such_beside_the_others(
        self, pack: ModelPack, voice: Voice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "300")
        library = VoiceLibrary()
        for name in ("broken", "whole"):
            library.add(name, [voice.reference], pack)
        library.find("broken").reference.write_bytes(b"")
        listed = CliRunner().invoke(app, ["voices", "list"], catch_exceptions=False).output
        rows = {line.split()[0]: line for line in listed.splitlines()[1:]}
        assert "damaged" in rows["broken"]
        assert "`rtvc voices add broken … --force`" in rows["broken"]
        assert "5.0 s" in rows["whole"]
        library.add("broken", [voice.reference], pack, replace=True)
        assert "damaged" not in CliRunner().invoke(app, ["voices", "list"], catch_exceptions=False).output
