import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rtvc.app.preferences import PreferenceFile, Preferences, Preset
from rtvc.cli import app
from rtvc.devices.virtual_microphone import SOURCE
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import shipped_voices
from tests.support.commands import refusal, rtvc
from tests.support.disk import full_disk
from tests.support.pulse import MICROPHONE, PulseServer
from tests.support.sounds import babble
from tests.support.waiting import until

OWN = ("--strength", "0")
"""The speaker's own voice, so that no voice need be chosen."""

RATE = 48_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "in.wav"
    soundfile.write(path, babble(1, RATE), RATE)
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, babble(5, 16_000, seed=7), 16_000)
    return path


def test_a_file_in_and_a_file_out(pack: ModelPack, recording: Path, voice: Path, tmp_path: Path) -> None:
    output, kept = tmp_path / "out.wav", tmp_path / "kept"
    said = rtvc(
        *("live", "--pack", pack.folder, "--voice", voice, "--input", recording),
        *("--output-file", output, "--record", kept),
    )
    assert "delay" in said
    assert "underruns" in said
    heard, rate = soundfile.read(output)
    assert rate == RATE
    assert 1 < len(heard) / rate < 2
    assert np.abs(heard).max() > 0.01
    assert sorted(path.name for path in kept.iterdir()) == ["microphone.wav", "output.wav"]
    assert "No voice is chosen" not in said
    assert "already exists" in refusal(
        "live", "--pack", pack.folder, *OWN, "--input", recording, "--output-file", output
    )
    played = ("live", "--pack", pack.folder, "--input", recording, "--output-file", output, "--force")
    assert "No voice is chosen" in refusal(*played)
    rtvc(*played, *OWN)
    assert "folder cannot be created" in refusal(*played, *OWN, "--record", recording)


def test_what_does_not_go_together_is_refused_with_the_way_out(pack: ModelPack, recording: Path) -> None:
    live = ("live", "--pack", pack.folder)
    assert "--output-file" in refusal(*live, *OWN, "--input", recording)
    assert "needs a recording as --input" in refusal(*live, *OWN, "--output-file", "out.wav")
    assert "Unknown preset 'game'. Available: Natural, Close" in refusal(*live, "--preset", "game")
    assert "no voice 'nobody'" in refusal(*live, "--voice", "nobody", "--input", recording, "--output-file", "o.wav")
    assert "no transport named 'magic'" in refusal(*live, "--transport", "magic")
    assert "is an option of the transport mkl" in refusal(*live, "--transport", "knn", "--block-size", "2")
    for option in (("--pack", pack.folder), ("--step", "2"), ("--threads", "2")):
        assert "the server chooses" in refusal("live", *OWN, "--server", "http://localhost:1", *option)


def test_a_preset_is_begun_with(pack: ModelPack, recording: Path, tmp_path: Path) -> None:
    PreferenceFile().save(
        Preferences(presets={"whisper": Preset(Settings(output_gain_db=-40.0, map=MapChoice(strength=0.0)))})
    )
    levels = []
    for index, extra in enumerate((OWN, ("--preset", "whisper"))):
        output = tmp_path / f"{index}.wav"
        rtvc("live", "--pack", pack.folder, "--input", recording, "--output-file", output, *extra)
        levels.append(np.std(soundfile.read(output)[0]))
    assert levels[1] / levels[0] == pytest.approx(0.01, rel=0.2)


def test_a_bypass_of_a_preset_is_not_taken_over(
    pack: ModelPack, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "knn", lambda source, target: lambda features: np.zeros_like(features))
    settings = Settings(voice=shipped_voices()[0].name, map=MapChoice("knn"), bypass=True)
    PreferenceFile().save(Preferences(presets={"stored": Preset(settings)}))
    output = tmp_path / "out.wav"
    rtvc("live", "--pack", pack.folder, "--input", recording, "--output-file", output, "--preset", "stored")
    assert not soundfile.read(output)[0].any()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(
    pulse: PulseServer, pack: ModelPack, tmp_path: Path, number: signal.Signals
) -> None:
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "rtvc.cli", "live", "--pack", str(pack.folder), *OWN, "--input", MICROPHONE]
    command += ["--record", str(kept)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)

    def listed() -> bool:
        with pulse.client() as client:
            return SOURCE in [source.name for source in client.source_list()]

    until(lambda: any(kept.glob("*.part")), seconds=60)  # It runs, and records.
    assert listed()
    process.send_signal(number)
    said = process.communicate(timeout=15)[0].decode()
    assert process.returncode == 0
    assert "delay" in said
    assert not listed()
    assert sorted(path.name for path in kept.iterdir()) == ["microphone.wav", "output.wav"]
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
    assert kept.stat().st_mode & 0o777 == 0o700
    lengths = [soundfile.info(path).duration for path in kept.iterdir()]
    assert np.ptp(lengths) < 0.001  # two clocks
    assert lengths.pop() > 0


def test_a_closed_terminal_ends_it_in_order(pulse: PulseServer, pack: ModelPack, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "rtvc.cli", "live", "--pack", str(pack.folder), *OWN, "--input", MICROPHONE]
    command += ["--record", str(kept)]
    terminal, inside = pty.openpty()
    # `setsid --ctty` makes the pseudoterminal the one that controls the process, as a terminal's window does.
    process = subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=inside, stdout=inside, stderr=inside, env=os.environ
    )
    os.close(inside)
    until(lambda: any(kept.glob("*.part")), seconds=60)
    os.close(terminal)
    process.wait(15)
    until(lambda: sorted(path.name for path in kept.iterdir()) == ["microphone.wav", "output.wav"])
    assert soundfile.info(kept / "output.wav").frames > 0

    def modules() -> list[object]:
        with pulse.client() as client:
            return [module for module in client.module_list() if "rtvc_" in (module.argument or "")]

    until(lambda: not modules())


def test_keys_mute_while_it_runs_and_the_heading_names_them(pulse: PulseServer, pack: ModelPack) -> None:
    command = [sys.executable, "-m", "rtvc.cli", "live", "--pack", str(pack.folder), *OWN, "--input", MICROPHONE]
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**os.environ, "COLUMNS": "150"},
    )
    os.close(inside)
    shown = b""

    def read_to(words: bytes) -> None:
        nonlocal shown
        while words not in shown:
            shown += os.read(terminal, 1024)

    read_to(b"running")
    assert b"m mutes, b sends your own voice, Ctrl-C stops" in shown
    assert b"real-time priority" in shown or b"ordinary priority: " in shown
    os.write(terminal, b"m")
    read_to(b"muted")
    os.write(terminal, b"mb")
    shown = b""
    read_to(b"your own voice")
    os.write(terminal, b"\x03")
    read_to(b"underruns")
    assert process.wait(15) == 0
    assert termios.tcgetattr(terminal)[3] & termios.ECHO
    os.close(terminal)


def test_what_a_killed_run_left_is_swept_at_the_next_start(
    pulse: PulseServer, pack: ModelPack, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "rtvc.cli", "live", "--pack", str(pack.folder), *OWN, "--input", MICROPHONE]
    command += ["--record", str(kept)]
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for number in (signal.SIGKILL, signal.SIGINT):
        before = set(kept.glob("*.part"))
        process = subprocess.Popen(command, env=os.environ, **output)  # type: ignore[call-overload]
        until(lambda before=before: len(set(kept.glob("*.part")) - before) == 2, seconds=60)  # type: ignore[misc]
        process.send_signal(number)
        process.wait(15)
    assert sorted(path.name for path in kept.iterdir()) == ["microphone.wav", "output.wav"]
    with pulse.client() as client:
        assert not [module for module in client.module_list() if "rtvc_" in (module.argument or "")]


def test_no_file_of_a_run_replaces_another(pack: ModelPack, recording: Path, tmp_path: Path) -> None:
    live = ("live", "--pack", pack.folder, *OWN, "--input", recording, "--force")
    folder = tmp_path / "o"
    folder.mkdir()
    (tmp_path / "alias").symlink_to(folder)
    for output in (folder / "output.wav", tmp_path / "alias" / "microphone.wav"):
        assert "would be written twice" in refusal(*live, "--output-file", output, "--record", folder)
    assert "is the input" in refusal(*live, "--output-file", recording)
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_up_during_a_recording_is_reported_once(pack: ModelPack, tmp_path: Path) -> None:
    # At 8 kHz the output takes 40 kB; at the pack's 16 kHz each recording would take 64 kB.
    source = tmp_path / "in.wav"
    soundfile.write(source, babble(2, 8_000), 8_000)
    live = ("live", "--pack", pack.folder, *OWN, "--input", source, "--output-file", tmp_path / "out.wav")
    with full_disk(50_000):
        arguments = [str(argument) for argument in (*live, "--record", tmp_path / "kept")]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 2
    assert result.output.count("Recording has stopped") == 1
    assert soundfile.info(tmp_path / "kept" / "output.wav").frames > 16_000
    assert soundfile.info(tmp_path / "out.wav").duration >= 2


def test_an_engine_that_never_converts_is_an_error(
    pack: ModelPack, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "The voice is damaged. Until it is mended, silence is sent."
    monkeypatch.setattr(Engine, "snapshot", lambda engine: Snapshot(State.SILENCED, sentence))
    live = ("live", "--pack", pack.folder, *OWN, "--input", recording, "--output-file", tmp_path / "out.wav")
    result = CliRunner().invoke(app, [str(argument) for argument in live], catch_exceptions=False)
    assert result.exit_code == 2
    assert result.output.count(sentence) == 1
    snapshots = iter([State.SILENCED, State.RUNNING, State.SILENCED])
    monkeypatch.setattr(Engine, "snapshot", lambda engine: Snapshot(next(snapshots, State.STOPPED), sentence))
    assert "delay" in rtvc(*live, "--force")
