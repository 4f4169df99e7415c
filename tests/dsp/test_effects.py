import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.app.effects import RACKS, find_effects
from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.effects import KINDS, NO_EFFECTS, Effect, Rack, new_effect, parse_rack, read_rack
from rtvc.dsp.effects_stage import Effects
from rtvc.dsp.plugins import PluginEffect
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

RATE = 48_000


def speech_like(seconds: float = 1.0) -> Block:
    """A tone of 150 Hz that starts at 0: it has no clicks of its own."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 150 * time)).astype(np.float32)


def through(stage: Effects, sound: Block, block: int = 960) -> Block:
    return np.concatenate([stage.process(sound[start : start + block]) for start in range(0, len(sound), block)])


def steepest(sound: Block) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize("rack", RACKS.values(), ids=RACKS)
def test_effects_change_the_sound_and_keep_it_finite_and_about_as_loud(rack: Rack) -> None:
    sound = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    result = through(Effects(RATE, rack), sound)
    assert np.isfinite(result).all()
    assert np.abs(result - sound).max() > 0.01
    assert 0.2 < np.std(result) / np.std(sound) < 5


@pytest.mark.parametrize("rack", RACKS.values(), ids=RACKS)
def test_streaming_equals_the_whole_sound_at_once(rack: Rack) -> None:
    sound = speech_like()
    whole = Effects(RATE, rack).process(sound)
    assert np.allclose(through(Effects(RATE, rack), sound, 961), whole, atol=1e-5)
    assert np.allclose(through(Effects(RATE, rack), sound, 219), whole, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_effect_delays_the_sound(kind: str) -> None:
    click = np.zeros(RATE // 10, np.float32)
    click[0] = 0.5
    parameters = (("mix", 0.5),) if "mix" in KINDS[kind].parameters else ()
    result = Effects(RATE, Rack("", (replace(new_effect(kind), parameters=parameters),))).process(click)
    assert len(result) == len(click)
    # The reverb and the phaser colour the click itself; everything else passes it at once, whatever follows.
    assert np.abs(result[:3]).max() > 0.01


def test_no_effects_pass_the_sound_and_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtvc.dsp.effect_parts.load_pedalboard", lambda: pytest.fail("pedalboard was imported"))
    sound = speech_like()
    assert np.array_equal(through(Effects(RATE), sound), sound)


def test_another_rack_fades_in_without_a_click() -> None:
    stage = Effects(RATE)
    sound = speech_like()
    loud = Rack("", (Effect("gain", (("gain_db", 6.0),)),))
    before = stage.process(sound[:8_000])
    stage.rack = loud
    after = through(stage, sound[8_000:])
    # Without the fade the step would be as high as the signal at this place.
    assert steepest(np.concatenate([before, after])) < 1.1 * steepest(2 * sound)
    assert np.allclose(after[-320:], sound[-320:] * 10 ** (6 / 20), atol=1e-4)
    stage.rack = NO_EFFECTS
    assert steepest(through(stage, sound)) < 1.1 * steepest(2 * sound)
    assert np.array_equal(through(stage, sound), sound)


def test_a_rack_that_changes_during_a_fade_is_taken_up_after_it() -> None:
    stage = Effects(RATE)
    sound = speech_like()
    for gain in (6.0, -6.0):
        stage.rack = Rack("", (Effect("gain", (("gain_db", gain),)), *([Effect("gain")] if gain < 0 else [])))
        stage.process(sound[:160])
    result = through(stage, sound)
    assert np.allclose(result[-320:], sound[-320:] * 10 ** (-6 / 20), atol=1e-4)
    assert steepest(result) < 1.1 * steepest(2 * sound)


def test_other_values_of_the_same_effects_keep_the_tail_of_the_reverb() -> None:
    stage = Effects(RATE, RACKS["Cave"])
    through(stage, speech_like())
    effects = RACKS["Cave"].effects
    stage.rack = replace(RACKS["Cave"], effects=(effects[0], Effect("reverb", (("room_size", 0.9),))))
    tail = through(stage, np.zeros(RATE // 4, np.float32))
    assert np.std(tail) > 0.005


def test_the_amount_mixes_the_voice_without_effects() -> None:
    sound = speech_like()
    half = Effects(RATE, Rack("", (Effect("gain", (("gain_db", 20 * np.log10(3.0)),)),), 0.5))
    assert np.allclose(half.process(sound), 2 * sound, atol=1e-4)


def test_an_inactive_effect_is_not_heard() -> None:
    sound = speech_like()
    rack = Rack("", (Effect("gain", (("gain_db", 12.0),), active=False),))
    assert np.array_equal(Effects(RATE, rack).process(sound), sound)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_filters_stay_stable_at_every_rate_of_an_output(rate: int) -> None:
    kinds = ("lowpass", "highpass", "peak", "low_shelf", "high_shelf")
    stage = Effects(rate, Rack("", tuple(Effect(kind, (("cutoff_frequency_hz", 20_000.0),)) for kind in kinds)))
    sound = np.random.default_rng(0).standard_normal(rate).astype(np.float32) * 0.1
    assert np.abs(through(stage, sound)).max() < 2
    stage.rack = replace(stage.rack, effects=(Effect("lowpass", (("cutoff_frequency_hz", 19_000.0),)),))
    assert np.abs(through(stage, sound)).max() < 2


def test_effects_that_have_become_unstable_begin_anew() -> None:
    stage = Effects(RATE, RACKS["Cave"])
    stage.process(np.full(960, np.nan, np.float32))
    after = through(stage, speech_like(0.1))
    assert np.isfinite(after).all()
    assert np.abs(after).max() > 0.1


def test_reset_silences_the_tail() -> None:
    stage = Effects(RATE, RACKS["Cave"])
    stage.process(speech_like())
    stage.reset()
    assert not stage.process(np.zeros(RATE, np.float32)).any()


@pytest.mark.parametrize("rack", RACKS.values(), ids=RACKS)
def test_a_rack_survives_its_file(rack: Rack) -> None:
    assert read_rack(json.dumps(rack.to_json()).encode(), "a file") == rack


def test_a_plugin_survives_its_file() -> None:
    rack = Rack("mine", (PluginEffect("Z", (("gain", 0.25),), "c3RhdGU=", active=False), Effect("gain")))
    assert read_rack(json.dumps(rack.to_json()).encode(), "a file") == rack


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"[]", '"effects"'),
        (b'{"effects": [{"effect": "explode"}]}', "unknown effect 'explode'"),
        (b'{"effects": [{"effect": "reverb", "size": 1}]}', "no parameter 'size'"),
        (b'{"effects": [{"effect": "reverb", "room_size": 7}]}', "room_size must be from 0 to 1, not 7"),
        (b'{"effects": [{"effect": "reverb", "room_size": NaN}]}', "room_size is not a number"),
        (b'{"effects": [{"effect": "reverb", "room_size": 1' + b"0" * 400 + b"}]}", "too large"),
        (b'{"effects": [{"effect": "reverb", "room_size": true}]}', "room_size is not a number"),
        (b'{"effects": [{"effect": "reverb", "active": 1}]}', "true or false"),
        (b'{"effects": [{"effect": "convolution", "impulse": 1}]}', "name of an impulse response"),
        (b'{"effects": [{"effect": "reverb", "impulse": "Room"}]}', "no parameter 'impulse'"),
        (b'{"effects": [], "amount": 2}', "amount must be"),
        (b'{"effects": [], "plugin": "/tmp/x.so"}', "'plugin' is unknown"),
        (b'{"effects": [' + b'{"effect": "gain"},' * 16 + b'{"effect": "gain"}]}', "at most 16"),
        (b'{"effects": [{"plugin": "Z", "path": "/tmp/x.so"}]}', "a plug-in has no 'path'"),
        (b'{"effects": [{"plugin": "Z", "state": "?"}]}', "state of the plug-in Z is damaged"),
        (b'{"effects": [{"plugin": "Z", "parameters": {"a": 2}}]}', "a must be from 0 to 1"),
        (b'{"effects": [{"plugin": "Z", "parameters": []}]}', "wrong type"),
        (b" " * 2_100_000, "larger than"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(RtvcError, match=r"a\.json contains no effects") as error:
        read_rack(content, "a.json")
    assert reason in str(error.value)


KEYS = st.sampled_from(["effects", "effect", "amount", "active", "mix"]) | st.text()
PLAIN = st.none() | st.booleans() | st.floats(allow_subnormal=False) | st.sampled_from(list(KINDS))


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_no_json_value_raises_anything_else(value: object) -> None:
    with suppress(ValueError):
        parse_rack(value)


def test_an_effect_whose_values_return_is_the_same_again() -> None:
    effect = Effect("reverb", (("room_size", 0.9),))
    assert effect.with_values({"damping": 0.1}).values() == effect.values() | {"damping": 0.1}
    assert effect.with_values({"damping": 0.1}).with_values({"damping": 0.5}) == effect
    assert effect.with_values({"room_size": 0.5}) == Effect("reverb")


def test_effects_are_found_by_name_in_any_case_and_unknown_ones_are_named() -> None:
    assert find_effects("radio") is RACKS["Radio"]
    with pytest.raises(RtvcError, match="Did you mean Radio"):
        find_effects("Raido")
    with pytest.raises(RtvcError, match="cannot be read"):
        find_effects("missing.json")


def test_a_missing_package_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pedalboard", None)
    load_pedalboard.cache_clear()
    with pytest.raises(RtvcError, match="extra `effects`"):
        find_effects("Radio")
    load_pedalboard.cache_clear()
