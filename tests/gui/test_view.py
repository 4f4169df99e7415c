import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.view.delay import FrameTimes, delay_parts
from gui.view.levels import CLIP_SECONDS, FLOOR_DBFS, PEAK_HOLD_SECONDS, PeakHold, level_fraction, level_text
from gui.view.status import LOSS_WINDOW_SECONDS, LossDetector, Tone, status
from gui.view.transports import block_sizes, nearest_block_size, transport_words
from gui.view.voices import duration_text, fitting_name
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.names import check_name
from rtvc.remote.remote_engine import RemoteLatency
from rtvc.settings import Settings
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice

RUNNING = Snapshot(state=State.RUNNING)
LETTERS = st.characters(exclude_categories=["Cs"])
"""Every character but surrogates. Hypothesis would look for the same ones in UTF-8 by trial, which takes seconds."""


def words(snapshot: Snapshot, losing: bool = False, **settings: object) -> tuple[str, Tone]:
    shown = status(snapshot, replace(Settings(voice="Clara"), **settings), losing, "the cable")  # type: ignore[arg-type]
    return shown.words, shown.tone


def test_the_status_says_what_listeners_hear() -> None:
    assert words(Snapshot()) == ("Off", Tone.QUIET)
    assert words(RUNNING) == ("On", Tone.GOOD)
    assert words(RUNNING, bypass=True) == ("Own voice", Tone.CAUTION)
    assert words(RUNNING, map=MapChoice(strength=0.0)) == ("Own voice", Tone.CAUTION)
    assert words(RUNNING, map=MapChoice(strength=0.01)) == ("On", Tone.GOOD)
    assert words(RUNNING, mute=True, bypass=True) == ("Muted", Tone.CAUTION)
    assert words(RUNNING, push_to_talk=True) == ("Waiting", Tone.CAUTION)
    assert words(RUNNING, push_to_talk=True, talking=True) == ("On", Tone.GOOD)
    assert words(RUNNING, losing=True) == ("Losing sound", Tone.BAD)
    assert words(Snapshot(State.SILENCED)) == ("Silent", Tone.BAD)
    assert words(Snapshot(State.SILENCED), mute=True) == ("Silent", Tone.BAD)
    assert words(Snapshot(State.FAILED)) == ("Stopped", Tone.BAD)
    assert words(Snapshot(State.SILENCED)) == ("Silent", Tone.BAD)
    assert words(Snapshot(State.RECOVERING)) == ("Reconnecting", Tone.CAUTION)


def test_a_message_of_the_engine_is_what_the_status_says() -> None:
    for state in (State.STARTING, State.RECOVERING, State.FAILED, State.SILENCED, State.RUNNING):
        assert (
            status(Snapshot(state, "The headset was disconnected."), Settings(), False, "").sentence
            == "The headset was disconnected."
        )


def test_what_does_not_run_as_wanted_is_not_green() -> None:
    assert words(replace(RUNNING, message="There is no voice 'Clara'.")) == ("On", Tone.CAUTION)


def test_the_status_names_voice_and_output() -> None:
    assert "Clara" in status(RUNNING, Settings(voice="Clara"), False, "the cable").sentence
    assert "the cable" in status(RUNNING, Settings(voice="Clara"), False, "the cable").sentence


def test_a_single_gap_is_no_alarm() -> None:
    detector = LossDetector()
    assert not detector.update(RUNNING, 0.0)
    assert not detector.update(replace(RUNNING, underruns=1), 1.0)
    for step in range(30):
        burst = replace(RUNNING, underruns=1, dropped_frames=5 + step)
        assert not detector.update(burst, 20.0 + step / 50), "the frames dropped after it are part of it"


def test_lasting_losses_are_an_alarm_that_calms_down() -> None:
    detector = LossDetector()
    alarms = [detector.update(replace(RUNNING, underruns=second + 1), float(second)) for second in range(5)]
    assert alarms == [False, False, True, True, True]
    last = replace(RUNNING, underruns=5)
    assert detector.update(last, 4.5)
    assert not detector.update(last, 5.0 + LOSS_WINDOW_SECONDS)


def test_rare_losses_are_no_alarm() -> None:
    detector = LossDetector()
    for count in range(20):
        assert not detector.update(replace(RUNNING, dropped_frames=count), count * 6.0)


def test_an_engine_that_begins_anew_has_no_past() -> None:
    detector = LossDetector()
    for second in range(3):
        detector.update(replace(RUNNING, underruns=5 + second), float(second))
    assert not detector.update(Snapshot(), 3.0)
    assert not detector.update(replace(RUNNING, underruns=1), 4.0)


@given(st.floats(-200, 20, allow_subnormal=False))
def test_a_meter_stays_within_its_frame(level: float) -> None:
    assert 0 <= level_fraction(level) <= 1
    assert level_fraction(level) <= level_fraction(level + 1)


def test_a_meter_ends_at_full_scale() -> None:
    assert level_fraction(0) == 1
    assert level_fraction(FLOOR_DBFS) == 0
    assert level_text(-120) == "silent"
    assert level_text(-18.4) == "-18 dB"


def test_a_peak_stays_and_then_falls() -> None:
    hold = PeakHold()
    hold.update(-10, 0.0)
    hold.update(-40, PEAK_HOLD_SECONDS)
    assert hold.peak == -10
    hold.update(-40, PEAK_HOLD_SECONDS + 0.5)
    assert hold.peak == pytest.approx(-20)
    hold.update(-15, PEAK_HOLD_SECONDS + 0.6)
    assert hold.peak == -15
    hold.update(-40, 100.0)
    assert hold.peak == -40


def test_the_clip_mark_stays_longer_than_the_clip() -> None:
    hold = PeakHold()
    hold.update(0.0, 10.0)
    assert hold.clipped
    hold.update(-30, 9.9 + CLIP_SECONDS)
    assert hold.clipped
    hold.update(-30, 10.1 + CLIP_SECONDS)
    assert not hold.clipped


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=5, max_size=5))
def test_the_parts_of_the_delay_make_the_whole(seconds: list[float]) -> None:
    latency = Latency(*seconds)
    assert sum(part.milliseconds for part in delay_parts(latency)) == pytest.approx(latency.total_seconds * 1000)


@given(st.lists(st.integers(0, 4), max_size=12))
def test_the_history_takes_every_step_once(counts: list[int]) -> None:
    times = FrameTimes(length=1000)
    steps: list[float] = []
    for count in counts:
        steps += [0.001 * (len(steps) + index + 1) for index in range(count)]
        recent = tuple(steps[-6:])
        times.update(Snapshot(recent_compute_seconds=recent, deadline_seconds=0.01))
    assert list(times.shares) == pytest.approx([seconds / 0.01 for seconds in steps])


def test_the_offered_block_sizes_reach_from_one_to_the_whole_space() -> None:
    assert block_sizes(64) == (1, 2, 4, 8, 16, 32, 64)
    assert block_sizes(80) == (1, 2, 4, 8, 16, 32, 64, 80)
    assert block_sizes(1) == (1,)
    assert nearest_block_size(block_sizes(64), 16) == 4
    assert nearest_block_size(block_sizes(64), 1000) == 6


def test_every_transport_has_words_of_its_own() -> None:
    words = [transport_words(name) for name in FITS]
    assert all(one.name != name and one.sentence for one, name in zip(words, FITS, strict=True))
    assert transport_words("not:Iris").name == "NOT: Iris"


@given(st.text(LETTERS, max_size=90), st.sets(st.text(LETTERS, max_size=20)))
def test_any_file_name_makes_a_voice_name(text: str, taken: set[str]) -> None:
    name = fitting_name(text, taken)
    assert name not in taken
    assert check_name(name) == name


def test_a_name_that_windows_keeps_is_not_used() -> None:
    assert check_name(fitting_name("con", set())) == "Voice con"


@pytest.mark.parametrize("name", ["हिन्दी", "ภาษาไทย", "Zoe\u0308"])
def test_a_name_keeps_its_combining_marks(name: str) -> None:
    assert fitting_name(f"\u0301({name})_", set()) == unicodedata.normalize("NFC", name)


def test_a_taken_name_gets_a_number() -> None:
    assert fitting_name("my_voice (final)", {"my voice final"}) == "my voice final 2"
    assert fitting_name("anna", {"Anna"}) == "anna 2", "many a disk takes them for one"


def test_durations_read_as_people_say_them() -> None:
    assert [duration_text(seconds) for seconds in (4.2, 9.97, 59.6, 65.0)] == ["4.2 s", "10 s", "1:00", "1:05"]


def test_over_a_server_the_delay_has_one_part_more() -> None:
    remote = RemoteLatency(0.02, 0.038, 0.004, 0.06, 0.02, codec_seconds=0.005, network_seconds=0.01)
    parts = delay_parts(remote)
    assert [part.name for part in parts][-1] == "Network"
    assert parts[-1].milliseconds == pytest.approx(15)
    assert sum(part.milliseconds for part in parts) == pytest.approx(remote.milliseconds["total"])
