from pathlib import Path

import pytest
import soundfile

from rtvc.app import live as app_live
from rtvc.app.live import LatencyProfile, LiveSetup, RemoteServer, open_live, recordings_folder
from rtvc.app.models import open_pack
from rtvc.devices.live_port import LivePort
from rtvc.errors import RtvcError
from rtvc.live.file_port import FilePort
from rtvc.live.snapshot import State
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from tests.support.packs import identity_pack
from tests.support.sounds import babble

RATE = 16_000


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(identity_pack(tmp_path_factory.mktemp("packs") / "identity").folder)


def test_an_engine_runs_over_the_port_that_is_given(pack: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", babble(1, RATE), RATE)
    port = FilePort(tmp_path / "in.wav", tmp_path / "out.wav")
    engine = open_live(LiveSetup(pack=pack), Settings(), port=port, enrolments=EnrolmentLibrary(tmp_path))
    engine.start()
    assert engine.wait(30)
    assert (engine.snapshot().state, engine.snapshot().message) == (State.STOPPED, "")
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(1.5, abs=0.02)


def test_the_setup_binds_devices_and_runtime(pack: str, tmp_path: Path) -> None:
    setup = LiveSetup("desk", "speakers", pack=pack, runtime=Runtime(2, "cpu"))
    engine = open_live(setup, Settings(), enrolments=EnrolmentLibrary(tmp_path))
    assert isinstance(engine.port, LivePort)
    assert (engine.pack.runtime.threads, engine.pack.runtime.provider) == (2, "cpu")
    # The pack is opened once and shared; what one engine binds does not change it for another.
    assert open_pack(pack).runtime.threads != 2


def test_a_profile_sets_steps_and_buffers() -> None:
    assert [profile.step(3) for profile in LatencyProfile] == [1, 3, 6]
    assert [profile.buffer_seconds for profile in LatencyProfile] == [0.008, 0.02, 0.04]
    assert [profile.follow_jitter for profile in LatencyProfile] == [True, False, False]


def test_an_unknown_pack_is_refused() -> None:
    with pytest.raises(RtvcError, match="no model pack 'nothing'"):
        open_live(LiveSetup(pack="nothing"), Settings())
    with pytest.raises(RtvcError, match="open_engine asks a server"):
        open_live(LiveSetup(server=RemoteServer("http://localhost")), Settings())


def test_recordings_go_into_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_live, "user_music_path", lambda: tmp_path / "Music")
    folder = recordings_folder()
    assert folder == tmp_path / "Music" / "rtvc"
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    monkeypatch.setattr(app_live, "user_music_path", lambda: tmp_path / "file")
    with pytest.raises(RtvcError, match="cannot be created"):
        recordings_folder()
