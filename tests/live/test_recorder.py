"""Recordings of both sides: what a file in the way, a full disk or nothing to record leave behind."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.errors import RtvcError
from rtvc.live.recorder import Recorder
from rtvc.packs.pack import ModelPack
from tests.support.disk import full_disk


def test_a_recording_never_replaces_a_file_unasked(pack: ModelPack, tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(b"precious")
    with pytest.raises(RtvcError, match="exists already"):
        Recorder(tmp_path / "in.wav", tmp_path / "out.wav", pack.sample_rate)
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
    pack: ModelPack, tmp_path: Path, longer: str, names: tuple[str, str], kept: str
) -> None:
    """The size limit holds for each file, so the one with the longer blocks reaches it first."""
    paths = tmp_path / names[0], tmp_path / names[1]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 320).astype(np.float32)
    with full_disk(20_044):
        recorder = Recorder(*paths, pack.sample_rate)
        for _ in range(1000):
            recorder.write(*((noise, noise[:160]) if longer == "microphone" else (noise[:160], noise)))
        with pytest.raises(RtvcError, match=rf"Recording has stopped; what was recorded {kept}\.$"):
            recorder.close()
    expected = [path for path in paths if path.suffix.lower() == ".wav"]
    for path in expected:
        recorded = soundfile.read(path)[0]
        assert len(recorded) > 4_000
        np.testing.assert_allclose(recorded[:160], noise[:160], atol=1e-4)
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == sorted(expected)


def test_where_nothing_was_recorded_nothing_is_replaced(pack: ModelPack, tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(b"precious")
    Recorder(tmp_path / "in.wav", tmp_path / "out.wav", pack.sample_rate, overwrite=True).close()
    assert (tmp_path / "in.wav").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
