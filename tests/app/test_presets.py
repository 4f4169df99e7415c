from dataclasses import replace

import pytest

from rtvc.app.live import LatencyProfile
from rtvc.app.preferences import Preferences, Preset
from rtvc.app.presets import SUPPLIED, apply_preset, find_preset, new_preset_name, without_toggles
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice

STORED = Settings(voice="Ada", output_gain_db=3.0, push_to_talk=True)
PREFERENCES = Preferences(presets={"game": Preset(STORED, LatencyProfile.LOWEST)})


def test_a_preset_keeps_bypass_mute_and_talking_as_they_are() -> None:
    now = Settings(voice="Bo", bypass=True, mute=True, talking=True)
    preset, warning = apply_preset(PREFERENCES, "game", now, {"Ada", "Bo"})
    assert preset.settings == Settings(
        voice="Ada", output_gain_db=3.0, bypass=True, push_to_talk=True, mute=True, talking=True
    )
    assert preset.profile is LatencyProfile.LOWEST
    assert warning == ""


def test_a_preset_of_a_voice_that_is_gone_leaves_the_voice() -> None:
    preset, warning = apply_preset(PREFERENCES, "game", Settings(voice="Bo"), {"Bo"})
    assert preset.settings.voice == "Bo"
    assert preset.settings.output_gain_db == 3.0
    assert "Ada" in warning


def test_a_preset_of_a_blend_needs_all_of_its_voices() -> None:
    blend = replace(STORED, voice="Ada:0.5, Bo:0.5")
    preferences = Preferences(presets={"both": Preset(blend, None)})
    assert apply_preset(preferences, "both", Settings(), {"Ada", "Bo"})[0].settings.voice == blend.voice
    preset, warning = apply_preset(preferences, "both", Settings(voice="Ada"), {"Ada"})
    assert preset.settings.voice == "Ada"
    assert "no longer exists" in warning


def test_the_command_line_takes_no_toggle_that_it_cannot_switch_off() -> None:
    assert without_toggles(STORED) == Settings(voice="Ada", output_gain_db=3.0)


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(RtvcError, match=r"Unknown preset 'stage'. Available: Natural, Close, .*, game"):
        find_preset(PREFERENCES, "stage", Settings())


def test_a_supplied_preset_changes_the_sound_and_nothing_else() -> None:
    now = Settings(
        voice="Ada",
        map=MapChoice("knn", strength=0.5),
        pitch_semitones=3.0,
        intonation=0.5,
        output_gain_db=4.0,
        monitor=True,
        push_to_talk=True,
        gate_threshold_dbfs=None,
    )
    natural, warning = apply_preset(PREFERENCES, "natural", now, {"Ada"})
    assert natural == Preset(
        Settings(voice="Ada", output_gain_db=4.0, monitor=True, push_to_talk=True), LatencyProfile.BALANCED
    )
    assert warning == ""
    # Whatever was chosen before, a preset sounds the same.
    for preset in SUPPLIED:
        assert find_preset(PREFERENCES, preset.name, now) == find_preset(PREFERENCES, preset.name, natural.settings)


def test_supplied_presets_differ_from_each_other_in_what_they_change() -> None:
    changes = {find_preset(PREFERENCES, preset.name, Settings()) for preset in SUPPLIED}
    assert len(changes) == len(SUPPLIED)
    assert all(preset.sentence.endswith(".") for preset in SUPPLIED)


@pytest.mark.parametrize("name", ["Natural", " low-end COMPUTER "])
def test_a_supplied_preset_cannot_be_replaced(name: str) -> None:
    with pytest.raises(RtvcError, match="comes with rtvc and cannot be replaced: choose another name"):
        new_preset_name(name)


def test_the_name_of_a_preset_is_checked_like_that_of_a_voice() -> None:
    assert new_preset_name("Late night") == "Late night"
    with pytest.raises(RtvcError, match="cannot be a preset's name"):
        new_preset_name("a\nb")
