import pytest

from rtvc.app.preferences import Preferences
from rtvc.app.presets import apply_preset, find_preset, without_toggles
from rtvc.errors import RtvcError
from rtvc.settings import Settings

STORED = Settings(voice="Ada", output_gain_db=3.0, bypass=True, push_to_talk=True)
PREFERENCES = Preferences(presets={"game": STORED})


def test_a_preset_keeps_mute_and_talking_as_they_are() -> None:
    now = Settings(voice="Bo", mute=True, talking=True)
    settings, warning = apply_preset(PREFERENCES, "game", now, {"Ada", "Bo"})
    assert settings == Settings(
        voice="Ada", output_gain_db=3.0, bypass=True, push_to_talk=True, mute=True, talking=True
    )
    assert warning == ""


def test_a_preset_of_a_voice_that_is_gone_leaves_the_voice() -> None:
    settings, warning = apply_preset(PREFERENCES, "game", Settings(voice="Bo"), {"Bo"})
    assert settings.voice == "Bo"
    assert settings.output_gain_db == 3.0
    assert "Ada" in warning


def test_the_command_line_takes_no_toggle_that_it_cannot_switch_off() -> None:
    assert without_toggles(STORED) == Settings(voice="Ada", output_gain_db=3.0)


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(RtvcError, match="no preset 'stage'; there are: game"):
        find_preset(PREFERENCES, "stage")
