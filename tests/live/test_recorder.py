"""Recordings of both sides: what a file in the way, a full disk or nothing to record leave behind."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc import audio_file
from rtvc.dsp.resample import DriftResampler
from rtvc.errors import RtvcError
from rtvc.live.recorder import RATE, Recorder
from tests.support.disk import full_disk


def test_a_recording_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(b"precious")
    with pytest.raises(RtvcError, match="already exists"):
        Recorder(tmp_path / "in.wav", tmp_path / "out.wav")
    assert (tmp_path / "in.wav").read_bytes() == b"precious"


@pytest.mark.parametrize("longer", ["microphone", "output"])
@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("in.wav", "out.wav"), "is kept in in.wav and out.wav"),
        (("in.flac", "out.WAV"), "is kept in out.WAV"),
        (("in.flac", "out.ogg"), "is lost"),
    ],
)
def test_a_full_disk_keeps_the_wav_recordings_up_to_there(
    tmp_path: Path, longer: str, names: tuple[str, str], kept: str
) -> None:
    """The size limit holds for each file, so the one with the longer blocks reaches it first."""
    paths = tmp_path / names[0], tmp_path / names[1]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 320).astype(np.float32)
    with full_disk(20_044):
        recorder = Recorder(*paths)
        for _ in range(1000):
            recorder.write(*((noise, noise[:160]) if longer == "microphone" else (noise[:160], noise)), (RATE, RATE))
        with pytest.raises(RtvcError, match=rf"Recording has stopped; what was recorded {kept}\.$"):
            recorder.close()
    expected = [path for path in paths if path.suffix.lower() == ".wav"]
    for path in expected:
        recorded = soundfile.read(path)[0]
        assert len(recorded) > 4_000
        assert np.std(recorded) > 0.2
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == sorted(expected)


def test_a_recording_as_long_as_a_wav_file_can_be_stops_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_file, "_MOST_WAV_BYTES", 20_000)
    recorder = Recorder(tmp_path / "in.wav", tmp_path / "out.wav")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 480).astype(np.float32)
    for _ in range(100):
        recorder.write(noise, noise, (RATE, RATE))
    with pytest.raises(RtvcError, match=r"at most 4 GiB\)\. .* what was recorded is kept in in\.wav and out\.wav\.$"):
        recorder.close()
    lengths = [len(soundfile.read(tmp_path / name)[0]) for name in ("in.wav", "out.wav")]
    assert min(lengths) >= 9_900
    assert max(lengths) - min(lengths) <= 480


def test_where_nothing_was_recorded_nothing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(b"precious")
    Recorder(tmp_path / "in.wav", tmp_path / "out.wav", overwrite=True).close()
    assert (tmp_path / "in.wav").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_both_sides_stay_aligned_whatever_their_rates_and_the_drift(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "in.wav", tmp_path / "out.wav")
    output = DriftResampler(16_000, 44_100)
    output.drift_ppm = 500.0
    sound = np.sin(0.05 * np.arange(20 * 16_000)).astype(np.float32) * np.repeat([0.0, 0.5], 10 * 16_000)
    sound = sound.astype(np.float32)
    for block in np.split(sound, 1000):
        recorder.write(block, output.process(block), (16_000, 44_100), 500.0)
    recorder.close()
    heard, sent = (soundfile.read(tmp_path / name)[0] for name in ("in.wav", "out.wav"))
    assert len(heard) == pytest.approx(20 * RATE, abs=10)
    assert len(sent) == pytest.approx(len(heard), abs=10)
    begins = [int(np.argmax(np.abs(side) > 0.1)) for side in (heard, sent)]
    assert begins[1] - begins[0] == pytest.approx(output.latency * RATE / 44_100, abs=0.001 * RATE)
