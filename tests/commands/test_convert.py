"""`rtvc convert`, and what commands that read files have in common."""

import shlex
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtvc.app.effects import RACKS
from rtvc.app.preferences import PreferenceFile, Preferences, Preset
from rtvc.audio_file import AudioFile
from rtvc.commands import convert
from rtvc.dsp.effects import Rack
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.files.conversion import Conversion, Outcome
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITS, Transport
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice
from tests.support.commands import Complain, Main, refusal, rtvc
from tests.support.libraries import needs_rnnoise
from tests.support.sounds import babble, write
from tests.support.transports import QUICK_FLOW


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice("target", write(tmp_path / "target.wav", babble(5, 16_000, seed=1), 16_000))


def test_a_preset_gives_the_sound_and_its_voice_and_options_take_precedence(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    stored = Settings(voice=str(voice.reference), map=MapChoice("knn", strength=0.5))
    PreferenceFile().save(Preferences(presets={"mine": Preset(stored)}))
    seen: list[Conversion] = []

    def converted(*arguments: Any, **options: Any) -> Outcome:  # noqa: ANN401
        seen.append(arguments[4])
        return Outcome(1.0, 0.1, Fraction(0), [])

    monkeypatch.setattr(convert, "convert_file", converted)
    source = write(tmp_path / "source.wav", babble(1, 16_000), 16_000)
    words = ["convert", str(source), "-o", str(tmp_path / "out.wav"), "--pack", str(pack.folder), "--preset"]
    for extra in (["mine"], ["mine", "--strength", "1"], ["clear", "--voice", str(voice.reference)]):
        rtvc(*words, *extra)
    assert [conversion.map for conversion in seen] == [
        MapChoice("knn", strength=0.5),
        MapChoice("knn", strength=1.0),
        MapChoice(block_size=2),
    ]
    assert "No voice is chosen: name one with --voice" in refusal(*words, "clear")


def test_how_to_use_a_voice_live_repeats_the_options(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rack of the user's own, as in the preset, has no name that `--effects` takes."""
    own = Rack("Mine", RACKS["Telephone"].effects)
    stored = Settings(voice=str(voice.reference), map=MapChoice("knn"), effects=own)
    PreferenceFile().save(Preferences(presets={"my own": Preset(stored)}))
    monkeypatch.setattr(convert, "convert_file", lambda *arguments, **options: Outcome(1.0, 0.1, Fraction(0), []))
    source = write(tmp_path / "source.wav", babble(1, 16_000), 16_000)

    def live(*options: str) -> list[str]:
        said = rtvc("convert", source, "-o", tmp_path / "out.wav", *options)
        return shlex.split(said.partition("To speak in this voice: ")[2].strip())

    assert live("--preset", "my own") == ["rtvc", "live", "--preset", "my own"]
    assert live("--voice", "Willow", "--transport", "mkl") == [
        "rtvc",
        "live",
        "--voice",
        "Willow",
        "--transport",
        "mkl",
    ]
    options = [
        "--voice",
        "Willow",
        "--preset",
        "Stream",
        "--strength",
        "0.5",
        "--pitch",
        "-3.0",
        "--intonation",
        "1.5",
    ]
    options += ["--formants", "1.1", "--effects", "telephone", "--noise-suppression", "off", "--transport", "mkl"]
    options += ["--block-size", "2", "--pack", str(pack.folder)]
    assert live(*options) == ["rtvc", "live", *options]

    played = ["--pack", str(pack.folder), "--input", str(source), "--output-file", str(tmp_path / "live.wav")]
    rtvc(*live("--preset", "my own")[1:], *played)
    assert AudioFile(tmp_path / "live.wav").frames > 0


def test_a_file(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    words = [str(source), "--voice", str(voice.reference), "-o", str(tmp_path / "out.wav")]
    said = rtvc("convert", *words, "--pack", pack.folder, "--verbose")
    assert "real-time factor" in said
    assert "rtvc live --voice" in said
    assert "algorithmic latency of identity live: 42.5 ms" in said
    assert AudioFile(tmp_path / "out.wav").frames == 32_000


def test_effects_by_name_and_from_a_file(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(rtvc("effects", "show", "telephone"), encoding="utf-8")
    source = write(tmp_path / "source.wav", babble(1, 16_000), 16_000)
    results = []
    cleaned = ["--effects", "Telephone", "--noise-suppression", "light"]
    for extra in ([], ["--effects", "Telephone"], ["--effects", str(tmp_path / "mine.json")], cleaned):
        if extra == cleaned:
            needs_rnnoise()
        words = [str(source), "--voice", str(voice.reference), "-o", str(tmp_path / "out.wav"), "--force", *extra]
        said = rtvc("convert", *words, "--pack", pack.folder)
        assert shlex.join(["--voice", str(voice.reference), *extra]) in said  # how to use it live
        results.append((tmp_path / "out.wav").read_bytes())
    assert results[0] != results[1] == results[2] != results[3]


def test_effects_and_impulse_responses_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtvc.dsp.impulse_responses.user_data_path", lambda *names, **options: tmp_path)
    listed = rtvc("effects", "list")
    assert "Telephone" in listed
    assert "lowpass" in listed
    assert "Added as Cellar.wav" in rtvc(
        "effects", "impulses", write(tmp_path / "Cellar.flac", babble(0.1, 8_000), 8_000)
    )
    assert rtvc("effects", "impulses").split() == ["Room", "Church", "Cellar.wav"]


def test_a_flow_towards_a_stored_voice_is_fitted_once(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
        rtvc("convert", *words, "--pack", pack.folder)
        outputs.append((len(fits), (tmp_path / "out.wav").read_bytes()))
    assert [count for count, _ in outputs] == [1, 1, 2]
    assert outputs[0] == outputs[1]


def test_a_folder_goes_on_past_a_bad_file(
    pack: ModelPack,
    voice: Voice,
    tmp_path: Path,
    main: Main,
) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write(tmp_path / "in" / "a.wav", babble(1.5, 16_000), 16_000)
    write(tmp_path / "in" / "deep" / "b.flac", babble(1.5, 16_000), 16_000)
    (tmp_path / "in" / "c.wav").write_text("not audio")
    words = [str(tmp_path / "in"), "--voice", str(voice.reference), "-o", str(tmp_path / "out"), "--jobs", "2"]
    code, said = main("convert", *words, "--pack", str(pack.folder))
    assert code == 2
    assert "1 of 3 recordings were not converted" in said.err
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["a.wav", "b.flac"]


def test_a_folder_that_is_converted_already_is_no_error(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cover.jpg").touch()
    words = ["convert", str(tmp_path / "in"), "--voice", str(voice.reference), "--pack", str(pack.folder)]
    words += ["-o", str(tmp_path / "out")]
    with pytest.raises(RtvcError, match="contains no recordings to convert"):
        rtvc(*words)
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "in" / name, babble(1.5, 16_000), 16_000)
    assert "Converted 2 recordings into" in rtvc(*words)
    before = (tmp_path / "out" / "a.wav").stat().st_ino
    said = rtvc(*words)
    assert "a.wav exists; use --force to replace it" in said
    assert f"2 recordings are converted already, in {tmp_path / 'out'}; use --force to replace them" in said
    assert (tmp_path / "out" / "a.wav").stat().st_ino == before
    assert "Converted 2 recordings into" in rtvc(*words, "--force")


def test_an_output_folder_may_have_a_dot_in_its_name(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.wav", babble(1.5, 16_000), 16_000)
    rtvc(
        *("convert", tmp_path / "in", "--voice", voice.reference, "--pack", pack.folder),
        *("-o", tmp_path / "corpus-1.0"),
    )
    assert (tmp_path / "corpus-1.0" / "a.wav").is_file()


def test_errors_are_one_line_with_exit_code_2(
    pack: ModelPack,
    voice: Voice,
    tmp_path: Path,
    complain: Complain,
) -> None:
    good = write(tmp_path / "good.wav", babble(2, 16_000), 16_000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "cut.wav").write_bytes(good.read_bytes()[:9000])
    short = write(tmp_path / "short.wav", babble(0.5, 16_000), 16_000)
    output = str(tmp_path / "out.wav")

    def complaint(source: object, voice: object, output: str = output, *more: str) -> str:
        words = [str(source), "--voice", str(voice), "-o", output, "--pack", str(pack.folder), *more]
        return complain("convert", *words)

    target = voice.reference
    assert "missing.wav: no such file" in complaint(tmp_path / "missing.wav", target)
    assert "empty.wav: is empty" in complaint(tmp_path / "empty.wav", target)
    assert "text.wav: is not audio" in complaint(tmp_path / "text.wav", target)
    assert "cut.wav: is cut short" in complaint(tmp_path / "cut.wav", target)
    assert "missing.wav: no such file" in complaint(good, tmp_path / "missing.wav")
    assert "short.wav: contains 0.5 s of speech" in complaint(good, short)
    assert "no voice 'nobody'" in complaint(good, "nobody")
    # For a folder as well, before any worker starts.
    assert "short.wav: contains 0.5 s of speech" in complaint(tmp_path, short, str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert "already exists; use --force" in complaint(good, target, str(good))
    assert "A path is empty" in complaint("", target)
    assert "A path is empty" in complaint(good, target, "")
    assert "out.v2: cannot write '.v2'; give the output one of .wav" in complaint(good, target, "out.v2")
    assert "new.wav: " in complaint(tmp_path, target, str(tmp_path / "new.wav"))
    assert "--threads cannot exceed" in complaint(good, target, output, "--threads", "100000")
    assert "has no effect in the mode whole-file" in complaint(
        good, target, output, "--mode", "whole-file", "--step", "1"
    )
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
    pack: ModelPack,
    voice: Voice,
    tmp_path: Path,
    complain: Complain,
) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.wav", babble(1.5, 16_000), 16_000)
    (tmp_path / "file").touch()
    wanted = ("--voice", str(voice.reference), "--pack", str(pack.folder))
    for command in (("convert", str(tmp_path / "in"), *wanted), ("demo",)):
        said = complain(*command, "-o", str(tmp_path / "file"))
        assert "file: the folder cannot be created" in said


def test_two_recordings_that_would_become_one_are_refused_before_any_is_converted(
    pack: ModelPack,
    voice: Voice,
    tmp_path: Path,
    complain: Complain,
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.aiff", "a.wav"):
        write(tmp_path / "in" / name, babble(1.5, 16_000), 16_000)
    words = (str(tmp_path / "in"), "--voice", str(voice.reference), "--pack", str(pack.folder))
    said = complain("convert", *words, "-o", str(tmp_path / "out"), "--force")
    assert "a.aiff and" in said
    assert f"would both become {tmp_path / 'out' / 'a.wav'}" in said
    assert not (tmp_path / "out").exists()
    said = complain("convert", *words, "-o", str(tmp_path / "in"), "--force")
    assert "is the folder of the recordings themselves" in said


def test_outputs_below_the_folder_are_not_converted_again(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a [take 2] :dog:.wav", babble(1.5, 16_000), 16_000)
    words = [str(tmp_path / "in"), "--voice", str(voice.reference), "-o", str(tmp_path / "in" / "out"), "--force"]
    for _ in range(2):
        said = rtvc("convert", *words, "--pack", pack.folder)
        # Names stand as they are, whatever they mean elsewhere.
        assert f"{tmp_path / 'in' / 'out' / 'a [take 2] :dog:.wav'} (1.5 s)" in said
    assert len(list((tmp_path / "in").rglob("*.wav"))) == 2


def test_names_that_look_like_markup_are_printed(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "[bold]x [2].wav", np.zeros(32_000, np.float32), 16_000)
    words = [str(source), "--voice", str(voice.reference), "-o", str(tmp_path / "[red]z.wav")]
    said = rtvc("convert", *words, "--pack", pack.folder)
    assert "[red]z.wav (2.0 s" in said
    assert "warning" in said
    assert "[bold]x [2].wav: contains no speech" in said


def test_a_path_that_the_system_refuses_is_one_line(
    pack: ModelPack,
    voice: Voice,
    tmp_path: Path,
    complain: Complain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good, output, target = str(write(tmp_path / "a.wav", babble(2, 16_000), 16_000)), "out.wav", voice.reference
    long = "x" * 5000
    monkeypatch.chdir(tmp_path)
    for words in (
        (long, "--voice", str(target), "-o", output),
        (f"{long}.wav", "--voice", str(target), "-o", output),
        (good, "--voice", f"{long}.wav", "-o", output),
        (good, "--voice", long, "-o", output),
        (good, "--voice", str(target), "-o", f"{long}.wav"),
        (good, "--voice", str(target), "-o", output, "--pack", long),
    ):
        complaint = complain("convert", *words)
        assert long[:70] in complaint
        assert not (tmp_path / output).exists()


def test_debug_shows_the_traceback(main: Main) -> None:
    with pytest.raises(RtvcError):
        main("--debug", "voices", "show", "nobody")


def test_voices_are_added_listed_shown_and_removed(pack: ModelPack, voice: Voice) -> None:
    assert "s of speech" in rtvc("voices", "add", "someone", voice.reference, "--pack", pack.folder)
    assert "someone" in rtvc("voices", "list")
    assert "16000 Hz" in rtvc("voices", "show", "someone", "--pack", pack.folder)
    rtvc("voices", "remove", "someone")
    assert "someone" not in rtvc("voices", "list")


def test_a_damaged_voice_is_listed_as_such_beside_the_others(
    pack: ModelPack, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    library = VoiceLibrary()
    for name in ("broken", "whole"):
        library.add(name, [voice.reference], pack)
    library.find("broken").reference.write_bytes(b"")
    listed = rtvc("voices", "list")
    rows = {line.split()[0]: line for line in listed.splitlines()[1:]}
    assert "damaged" in rows["broken"]
    assert "`rtvc voices add broken … --force`" in rows["broken"]
    assert "5.0 s" in rows["whole"]
    library.add("broken", [voice.reference], pack, replace=True)
    assert "damaged" not in rtvc("voices", "list")
