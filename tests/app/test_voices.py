from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.app import voices as app_voices
from rtvc.app.voices import add_voice, clean_voice, import_voice, preview, record_reference, reference
from rtvc.audio_file import AudioFile
from rtvc.devices import portaudio
from rtvc.devices.portaudio import Device
from rtvc.dsp.stage import Block
from rtvc.packs.pack import find_pack
from rtvc.settings import Settings
from rtvc.voices.exchange import export_voice
from rtvc.voices.library import VoiceLibrary, shipped_voices
from tests.support.libraries import needs_rnnoise
from tests.support.packs import identity_pack
from tests.support.sounds import babble

RATE = 16_000
MICROPHONE = Device("WASAPI", "mic", "Microphone", 1, 0, 48_000, 0, default_input=True)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(identity_pack(tmp_path_factory.mktemp("packs") / "identity").folder)


@pytest.fixture(autouse=True)
def _microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    def blocks(device: Device, seconds: float) -> Iterator[tuple[Block, int]]:
        sound = babble(seconds, RATE)
        for start in range(0, len(sound), RATE // 10):
            yield sound[start : start + RATE // 10], RATE

    monkeypatch.setattr(portaudio, "refresh", lambda: None)
    monkeypatch.setattr(portaudio, "list_devices", lambda: [MICROPHONE])
    monkeypatch.setattr(app_voices, "microphone_blocks", blocks)


def test_a_recorded_reference_becomes_a_voice(pack: str, tmp_path: Path) -> None:
    shares: list[float] = []
    recording = record_reference(None, 5.0, tmp_path, progress=shares.append)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    added = add_voice("uncle", [recording], pack, voices=VoiceLibrary(tmp_path / "voices"))
    assert added.voice.name == "uncle"
    assert added.speech_seconds == pytest.approx(5, abs=0.1)
    assert added.warning is None
    assert reference(added.voice).rate == RATE
    assert len(reference(added.voice).audio) == 5 * RATE


def test_a_short_recording_is_a_warning(pack: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", babble(2, RATE), RATE)
    added = add_voice("short", [tmp_path / "short.wav"], pack, voices=VoiceLibrary(tmp_path / "voices"))
    assert added.warning is not None


def test_a_reference_cut_at_the_limit_is_a_warning(
    pack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.voices.analysis.LONGEST_SECONDS", 6.0)
    library = VoiceLibrary(tmp_path / "voices")
    part = tmp_path / "part.wav"
    soundfile.write(part, babble(5, RATE), RATE)
    assert add_voice("whole", [part], pack, voices=library).warning is None
    cut = add_voice("cut", [part, part], pack, voices=library)
    assert cut.warning is not None
    assert cut.warning.startswith("Only the first")
    assert cut.voice.recording.duration == 6
    assert cut.voice.warning(find_pack(pack)) is None
    soundfile.write(part, babble(7, RATE), RATE)
    assert library.open(str(part)).warning(find_pack(pack)) == cut.warning.replace("part.wav, part.wav", "part.wav")


def test_credit_and_description_are_kept_and_shared(pack: str, tmp_path: Path) -> None:
    library = VoiceLibrary(tmp_path / "voices")
    soundfile.write(tmp_path / "a.wav", babble(5, RATE), RATE)
    added = add_voice("one", [tmp_path / "a.wav"], pack, credit="Ann, CC0", description="Low", voices=library)
    export_voice(added.voice, tmp_path / "one.rtvcvoice")
    imported = import_voice(tmp_path / "one.rtvcvoice", pack, name="two", voices=library)
    assert (imported.voice.name, imported.warning) == ("two", None)
    for voice in (added.voice, imported.voice):
        assert (voice.credit, voice.description) == ("Ann, CC0", "Low")


def test_an_abandoned_recording_leaves_no_file(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_reference(None, 5.0, tmp_path, progress=stop)
    assert not list(tmp_path.rglob("*.wav"))


def test_a_preview_is_a_sentence_of_another_voice(pack: str) -> None:
    first, second = shipped_voices()[:2]
    sound = preview(first, pack, Settings())
    assert len(sound.audio) / sound.rate == pytest.approx(second.recording.duration, abs=0.01)
    assert np.abs(sound.audio).max() > 0.01


def test_the_noise_in_a_reference_is_removed(pack: str, tmp_path: Path) -> None:
    needs_rnnoise()
    speech = AudioFile(shipped_voices()[0].reference).read(RATE)[: 3 * RATE]
    pause = np.zeros(RATE, np.float32)
    noise = 0.01 * np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "noisy.wav", np.concatenate((speech, pause)) + noise, RATE)
    library = VoiceLibrary(tmp_path / "voices")
    add_voice("Noisy", [tmp_path / "noisy.wav"], pack, voices=library)
    added = clean_voice("Noisy", pack, voices=library)
    cleaned = reference(added.voice)
    assert len(cleaned.audio) == 4 * RATE
    assert np.std(cleaned.audio[-RATE // 2 :]) < 0.1 * np.std(noise)
    assert np.std(cleaned.audio[: 3 * RATE]) == pytest.approx(np.std(speech), rel=0.2)
