"""Damaged preferences and presets are read or refused in one sentence, and a refused file is kept."""

from pathlib import Path

import pytest

from rtvc.app.preferences import PreferenceFile, Preferences, Preset, Wiring
from rtvc.devices.portaudio import DeviceIdentity
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.support.mutate import mutants, text_mutants


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.fuzz)])
def test_damaged_preferences_are_read_or_put_aside(tmp_path: Path, count: int) -> None:
    file = PreferenceFile(tmp_path / "preferences.json")
    wiring = Wiring(microphone=DeviceIdentity("ALSA", "a microphone"))
    file.save(
        Preferences(
            Settings(voice="Willow"),
            wiring,
            {"calm": Preset(Settings(map=MapChoice(strength=0.5)))},
            {"size": [1, 2]},
        )
    )
    content = file.path.read_bytes()
    damaged = [*mutants(content, count // 2)]
    damaged += [text.encode(errors="surrogatepass") for text in text_mutants(content.decode(), count // 2)]
    refused = []
    for one in damaged:
        file.path.write_bytes(one)
        try:
            preferences = file.load()
            file.save(preferences)
            assert file.load() == preferences
        except RtvcError as error:
            refused.append(str(error))
            (kept,) = tmp_path.iterdir()
            assert kept.read_bytes() == one
            assert file.load() == Preferences()
            kept.unlink()
    assert len(refused) > count / 3
    assert all(sentence.isprintable() for sentence in refused)
