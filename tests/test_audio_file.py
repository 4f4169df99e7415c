import os
import tracemalloc
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc import audio_file
from rtvc.audio_file import AudioFile, AudioWriter, audio_writer
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.storage import StorageError
from tests.support.disk import full_disk


def noise(frames: int, channels: int = 1, seed: int = 0) -> Block:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


FORMATS = [
    ("wav", "PCM_U8", 2 / 128),
    ("wav", "PCM_16", 1e-4),
    ("wav", "PCM_24", 1e-6),
    ("wav", "PCM_32", 1e-6),
    ("wav", "FLOAT", 0),
    ("wav", "DOUBLE", 1e-7),
    ("flac", "PCM_16", 1e-4),
    ("aiff", "PCM_24", 1e-6),
    ("ogg", "VORBIS", None),
    ("mp3", "MPEG_LAYER_III", None),
]


@pytest.mark.parametrize(("suffix", "subtype", "tolerance"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_formats_are_read_and_mixed_down(
    tmp_path: Path, suffix: str, subtype: str, tolerance: float | None, channels: int
) -> None:
    audio = noise(9000, channels)
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, audio, 32_000, subtype=subtype)
    file = AudioFile(path)
    assert (file.rate, file.frames, file.channels) == (32_000, 9000, channels)
    assert file.duration == 9000 / 32_000
    blocks = list(file.blocks(1000))
    assert [len(block) for block in blocks] == [1000] * 9
    assert blocks[0].dtype == np.float32
    if tolerance is not None:
        np.testing.assert_allclose(np.concatenate(blocks), audio.mean(axis=1), atol=tolerance)
    np.testing.assert_allclose(file.read(), np.concatenate(blocks), atol=1e-6)


def test_many_channels_and_the_limits_of_rates(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    for rate in (8_000, 192_000):
        soundfile.write(path, noise(100, 6), rate)
        assert len(AudioFile(path).read()) == 100
    for rate in (4_000, 384_000):
        soundfile.write(path, noise(100), rate)
        with pytest.raises(RtvcError, match=r"sound\.wav: .*sample rate"):
            AudioFile(path)


def test_what_is_no_recording_is_refused_by_name_and_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is no audio " * 100)
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 16_000)
    for name, reason in [
        ("missing.wav", "no such file"),
        (".", "is a folder"),
        ("empty.wav", "is empty"),
        ("text.wav", "is not audio"),
        ("none.wav", "contains no samples"),
        ("text.wav/inside.wav", "cannot be read"),
    ]:
        with pytest.raises(RtvcError, match=reason) as caught:
            AudioFile(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, noise(96_000), 48_000)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(RtvcError, match=r"cut short|contains no samples|is not audio"):
        AudioFile(path).read()


def test_a_length_left_open_by_a_pipe_is_not_a_truncation(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, noise(1000), 16_000)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(AudioFile(path).read()) == 1000


def test_a_length_that_is_not_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    soundfile.write(path, noise(1000), 16_000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(RtvcError, match="how long it is"):
        AudioFile(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    audio = noise(5000, 2)
    audio[4000, 1] = bad
    soundfile.write(tmp_path / "bad.wav", audio, 8_000, subtype="FLOAT")
    with pytest.raises(RtvcError, match=r"bad\.wav: contains NaN or infinite samples, the first at 0\.500 s"):
        list(AudioFile(tmp_path / "bad.wav").blocks(1024))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_clipping_is_counted(tmp_path: Path, subtype: str) -> None:
    audio = noise(1000)
    audio[100:150] = 1.0
    audio[200:225] = -1.0
    soundfile.write(tmp_path / "sound.wav", audio, 16_000, subtype=subtype)
    file = AudioFile(tmp_path / "sound.wav")
    for _ in range(2):
        file.read()
        assert file.clipped == 75


def test_a_long_file_is_read_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        for _ in range(600):
            file.write(np.zeros(16_000, np.float32))
    tracemalloc.start()
    total = sum(len(block) for block in AudioFile(path).blocks(16_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 600 * 16_000
    assert peak < 1_000_000


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("ogg", "VORBIS")])
def test_written_files_appear_when_complete(tmp_path: Path, suffix: str, subtype: str) -> None:
    path = tmp_path / f"result.{suffix}"
    audio = noise(8000)[:, 0]
    with audio_writer(path, 44_100) as writer:
        for block in np.split(audio, 8):
            writer.write(block)
            assert not path.exists()
        assert writer.frames == 8000
    file = AudioFile(path)
    assert (file.rate, file.frames, file.subtype) == (44_100, 8000, subtype)
    if suffix != "ogg":
        np.testing.assert_allclose(file.read(), audio, atol=1e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_samples_beyond_full_scale_are_clipped_not_wrapped(tmp_path: Path) -> None:
    with audio_writer(tmp_path / "loud.wav", 16_000) as writer:
        writer.write(np.array([2.0, -2.0, 0.0], np.float32))
    np.testing.assert_allclose(AudioFile(tmp_path / "loud.wav").read(), [1, -1, 0], atol=1e-4)


def interrupt(writer: AudioWriter) -> None:
    writer.write(np.zeros(100, np.float32))
    raise KeyboardInterrupt


@given(st.binary(min_size=1, max_size=50), st.booleans())
@settings(max_examples=10)
def test_an_existing_file_survives_everything_but_success(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, overwrite: bool
) -> None:
    path = tmp_path_factory.mktemp("writer") / "result.wav"
    path.write_bytes(content)
    error = KeyboardInterrupt if overwrite else RtvcError
    with pytest.raises(error), audio_writer(path, 16_000, overwrite=overwrite) as writer:
        interrupt(writer)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]
    with audio_writer(path, 16_000, overwrite=True) as writer:
        writer.write(np.zeros(100, np.float32))
    assert AudioFile(path).frames == 100


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "result.wav"
    with pytest.raises(RtvcError, match="--force"), audio_writer(path, 16_000):
        path.write_text("someone else's")
    assert path.read_text() == "someone else's"


def test_destinations_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.wav").mkdir()
    destinations = [
        (tmp_path / "a.xyz", "one of .wav"),
        (tmp_path / "noextension", "one of .wav"),
        (tmp_path / "absent" / "a.wav", "folder does not exist"),
        (tmp_path / "file" / "a.wav", "folder does not exist"),
        (tmp_path / "folder.wav", "is a folder; name a file in it"),
    ]
    if Path("/proc/self").is_dir():
        destinations.append((Path("/proc/a.wav"), "cannot be written"))
    for path, reason in destinations:
        with pytest.raises(RtvcError, match=reason) as caught, audio_writer(path, 16_000, overwrite=True):
            pass
        assert str(path) in str(caught.value)


def write_silence(path: Path, frames: int) -> None:
    with audio_writer(path, 16_000) as writer:
        writer.write(np.zeros(frames, np.float32))


def write_noise(path: Path, frames: int, blocks: int = 10, keep_partial: bool = False) -> None:
    with audio_writer(path, 16_000, overwrite=True, keep_partial=keep_partial) as writer:
        for block in np.split(noise(frames)[:, 0], blocks):
            writer.write(block)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.parametrize("missing", [0.5, 1e-4])
def test_a_full_disk_is_an_error_and_keeps_the_old_file(tmp_path: Path, name: str, missing: float) -> None:
    """libsndfile writes the last bytes when it closes the file, and reports no error then."""
    path = tmp_path / name
    write_noise(path, 80_000)
    size = path.stat().st_size
    path.write_bytes(b"the old file")
    with full_disk(int(size * (1 - missing))), pytest.raises(RtvcError, match=rf"{name}: cannot be written"):
        write_noise(path, 80_000)
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_keeps_what_was_written_until_the_disk_was_full(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with full_disk(20_044), pytest.raises(RtvcError, match=r"a\.wav: cannot be written \(File too large\)"):
        write_noise(path, 80_000, keep_partial=True)
    np.testing.assert_allclose(AudioFile(path).read(), noise(80_000)[:10_000, 0], atol=1e-4)
    assert list(tmp_path.iterdir()) == [path]


def test_a_wav_file_ends_before_its_header_cannot_say_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_file, "_MOST_WAV_BYTES", 50_000)
    path = tmp_path / "a.wav"
    with pytest.raises(RtvcError, match=r"a\.wav: cannot be written \(a WAV file holds at most 4 GiB\)"):
        write_noise(path, 80_000)
    assert not path.exists()
    with pytest.raises(RtvcError, match="at most 4 GiB"):
        write_noise(path, 80_000, keep_partial=True)
    np.testing.assert_allclose(AudioFile(path).read(), noise(80_000)[:32_000, 0], atol=1e-4)
    write_noise(tmp_path / "a.flac", 80_000)


def test_a_recording_whose_length_is_wrong_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise StorageError(path, "the file holds 1 of 2 samples")

    monkeypatch.setattr(audio_file, "_check_length", refuse)
    path = tmp_path / "a.wav"
    with pytest.raises(RtvcError, match="1 of 2 samples"):
        write_noise(path, 8000)
    assert not path.exists()
    with pytest.raises(RtvcError, match="1 of 2 samples"):
        write_noise(path, 8000, keep_partial=True)
    assert AudioFile(path).frames == 8000


def test_raw_samples_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    with pytest.raises(RtvcError, match=r"a\.raw: contains raw samples without a header; convert it to WAV first"):
        AudioFile(tmp_path / "a.raw")


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX")
def test_names_that_are_not_utf_8_and_links_in_a_circle(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.flac")
    write_noise(path, 8000)
    assert AudioFile(path).read().shape == (8000,)
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    with pytest.raises(RtvcError, match=r"loop\.wav: cannot be read \(Too many levels of symbolic links\)"):
        AudioFile(tmp_path / "loop.wav")


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_file_is_read_at_another_rate_as_it_is_resampled_whole(tmp_path: Path, rate: int) -> None:
    sound = noise(100_001)[:, 0]
    soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="FLOAT")
    file = AudioFile(tmp_path / "a.wav")
    np.testing.assert_allclose(file.read(rate), resample(sound, 44_100, rate), atol=1e-6)
    beginning = file.read(rate, seconds=0.5)
    np.testing.assert_allclose(beginning, resample(sound[:22_050], 44_100, rate), atol=1e-6)


def test_a_long_reference_at_a_high_rate_takes_little_memory(tmp_path: Path) -> None:
    """One minute of 192 kHz is 46 MB of samples; ten would be 460 MB."""
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 192_000, 1) as file:
        for _ in range(60):
            file.write(np.zeros(192_000, np.float32))
    tracemalloc.start()
    assert len(AudioFile(tmp_path / "a.flac").read(16_000)) == 60 * 16_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15_000_000


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 65)), 16_000)
    with pytest.raises(RtvcError, match="has 65 channels, more than 64"):
        AudioFile(tmp_path / "a.wav")


def test_both_recordings_of_a_pair_keep_what_was_written_until_the_disk_was_full(tmp_path: Path) -> None:
    """One writer meets the full disk; the other, in the same body, hears of it as an exception."""
    paths = [tmp_path / "microphone.wav", tmp_path / "output.wav"]

    def record() -> None:
        with ExitStack() as stack:
            first, other = (stack.enter_context(audio_writer(path, 16_000, keep_partial=True)) for path in paths)
            for block in np.split(noise(80_000)[:, 0], 10):
                other.write(block)
                first.write(block)

    with full_disk(20_044), pytest.raises(RtvcError, match="File too large"):
        record()
    lengths = [AudioFile(path).frames for path in paths]
    assert lengths == [8000, 10_000]


def test_minutes_of_sound_are_written_in_one_call(tmp_path: Path) -> None:
    """libsndfile's Vorbis encoder keeps a call's samples on the stack: 62 s at once killed the process."""
    with audio_writer(tmp_path / "long.ogg", 48_000) as writer:
        writer.write(np.zeros(62 * 48_000, np.float32))
    assert AudioFile(tmp_path / "long.ogg").frames == 62 * 48_000
