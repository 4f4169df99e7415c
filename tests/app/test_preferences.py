import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.app.effects import RACKS
from rtvc.app.live import LatencyProfile
from rtvc.app.preferences import PreferenceFile, Preferences, Preset, Wiring
from rtvc.devices.portaudio import DeviceIdentity
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice

CHOSEN = Preferences(
    Settings(voice="Ada", map=MapChoice(strength=0.7, block_size=4), gate_threshold_dbfs=None, push_to_talk=True),
    Wiring(DeviceIdentity("PulseAudio", "Mikrofon (größer)"), None, DeviceIdentity("ALSA", "hw:0"), "wavlm-large"),
    {
        "game": Preset(Settings(voice="Bo", effects=RACKS["Robot"])),
        "stage": Preset(Settings(output_gain_db=3.0), LatencyProfile.SAFE),
    },
    {"appearance": "dark", "size": [800, 600]},
)

# ONNX Runtime, in other tests, has denormals flushed to zero, which Hypothesis would stumble over.
FLOATS = st.floats(-60, 60, allow_subnormal=False)
LEVELS = st.floats(-120, 0, allow_subnormal=False)


@pytest.fixture
def file(tmp_path: Path) -> PreferenceFile:
    return PreferenceFile(tmp_path / "configuration" / "preferences.json")


def test_nothing_saved_yet_means_the_defaults(file: PreferenceFile) -> None:
    assert file.load() == Preferences()


def test_what_is_saved_comes_back(file: PreferenceFile) -> None:
    file.save(CHOSEN)
    assert file.load() == CHOSEN
    assert [path.name for path in file.path.parent.iterdir()] == ["preferences.json"]


@hypothesis.settings(max_examples=30)  # each example is flushed to the disk
@given(
    st.builds(
        Settings,
        voice=st.text(st.characters(exclude_categories=())),  # also bytes that are not UTF-8
        map=st.builds(MapChoice, block_size=st.none() | st.integers(1, 100), strength=FLOATS),
        mute=st.booleans(),
        input_gain_db=FLOATS,
        gate_threshold_dbfs=st.none() | LEVELS,
    )
)
def test_any_settings_come_back(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> None:
    file = PreferenceFile(tmp_path_factory.mktemp("any") / "preferences.json")
    file.save(Preferences(settings))
    assert file.load().settings == settings


def test_the_choice_of_map_of_older_versions_is_read(file: PreferenceFile) -> None:
    """They kept transport, block size and strength among the settings themselves."""
    old = {"voice": "Ada", "transport": "knn", "block_size": 3, "strength": 0.25, "mute": True}
    change(file, ["settings"], old)
    wanted = Settings(voice="Ada", map=MapChoice("knn", 3, 0.25), mute=True)
    assert file.load().settings == wanted
    change(file, ["presets"], {"game": old})
    assert file.load().presets == {"game": Preset(wanted)}


def test_talking_and_bypass_are_of_the_moment_and_not_kept(file: PreferenceFile) -> None:
    momentary = Settings(push_to_talk=True, talking=True, bypass=True)
    file.save(Preferences(momentary, presets={"game": Preset(momentary)}))
    assert file.load().settings == file.load().presets["game"].settings == Settings(push_to_talk=True)


def test_a_bypass_that_an_older_version_stored_is_not_taken_up(file: PreferenceFile) -> None:
    change(file, ["settings", "bypass"], True)
    assert not file.load().settings.bypass


def change(file: PreferenceFile, where: list[str], value: Any) -> None:  # noqa: ANN401
    file.save(CHOSEN)
    content = json.loads(file.path.read_text(encoding="utf-8"))
    place = content
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    file.path.write_text(json.dumps(content), encoding="utf-8")


def test_settings_of_other_versions_are_read_as_far_as_they_are_known(file: PreferenceFile) -> None:
    change(file, ["settings"], {"voice": "Ada", "hologram": True})
    assert file.load().settings == Settings(voice="Ada")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (["format"], 99),
        (["settings", "strength"], "a lot"),
        (["settings", "strength"], float("nan")),
        (["settings", "voice"], None),
        (["settings", "mute"], 1),
        (["settings", "output_gain_db"], 10**400),
        (["settings", "block_size"], 2.5),
        (["settings"], [1, 2]),
        (["wiring", "microphone"], {"name": "x"}),
        (["wiring"], None),
        (["presets"], "none"),
        (["presets", "game"], 3),
        (["presets", "game", "profile"], "warp"),
        (["panel"], []),
    ],
)
def test_a_damaged_file_is_kept_aside_and_the_defaults_follow(
    file: PreferenceFile, where: list[str], value: object
) -> None:
    change(file, where, value)
    content = file.path.read_bytes()
    with pytest.raises(RtvcError, match="were damaged") as caught:
        file.load()
    (kept,) = file.path.parent.iterdir()
    assert str(kept) in str(caught.value)
    assert kept.read_bytes() == content
    assert file.load() == Preferences()


def test_a_file_that_cannot_be_read_for_a_moment_is_not_overwritten(
    file: PreferenceFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.save(CHOSEN)
    opened = Path.open

    def locked(path: Path, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if path == file.path:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", locked)
        with pytest.raises(RtvcError, match="no change is saved"):
            file.load()
    file.save(Preferences())
    assert file.load() == CHOSEN
    file.save(Preferences())
    assert file.load() == Preferences()


def test_absurd_gains_are_limited(file: PreferenceFile) -> None:
    absurd = {"input_gain_db": 1e300, "output_gain_db": -1e300, "gate_threshold_dbfs": 1e9}
    change(file, ["presets"], {"game": absurd})
    expected = Settings(input_gain_db=60.0, output_gain_db=-60.0, gate_threshold_dbfs=0.0)
    assert file.load().presets == {"game": Preset(expected)}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b"null", b'{"format": 1}', b'{"a": "%s"}' % (b"a" * 5_000_000)]
)
def test_what_is_no_preferences_file_is_damaged_too(file: PreferenceFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(RtvcError, match="were damaged"):
        file.load()
    assert file.load() == Preferences()


def test_a_failed_save_leaves_the_old_file(file: PreferenceFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.save(CHOSEN)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RtvcError, match="No space left"):
        file.save(replace(CHOSEN, settings=Settings()))
    assert file.load() == CHOSEN
