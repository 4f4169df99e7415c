import tracemalloc
from collections.abc import Callable, Collection
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.devices.sides import Playback
from rtvc.dsp.effects import Effect, Rack
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.output_queue import CALM_SECONDS, OutputQueue
from rtvc.live.pipeline import History, Pipeline
from rtvc.live.recorder import Recorder
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import enrol_audio
from tests.support.disk import full_disk
from tests.support.simulation import SimulatedPort, Simulation
from tests.support.sounds import babble
from tests.support.transports import LOOKAHEAD, Smoother

RATE = 48_000
OPEN = Settings(gate_threshold_dbfs=None)
OWN = replace(OPEN, map=MapChoice(strength=0.0))
"""The speaker's own voice, through the models."""

Simulate = Callable[..., Simulation]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, 0.3 * babble(5, 16_000, seed=7), 16_000)
    return str(path)


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, pack: ModelPack) -> Simulate:
    def make(sound: Block, settings: Settings = OWN, **options: object) -> Simulation:
        return Simulation(monkeypatch, pack, sound, settings, **options)  # type: ignore[arg-type]

    return make


def clicks(seconds: float, every: float = 0.5) -> Block:
    """Clicks from 0.1 s on."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    sound[round(0.1 * RATE) :: round(every * RATE)] = 0.5
    return sound


def tone(seconds: float, amplitude: float = 0.1) -> Block:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def delays(simulation: Simulation, every: float = 0.5) -> list[tuple[float, float]]:
    """Return when clicks were heard, and how long after they were made (modulo `every`)."""
    sound, rate = simulation.heard, simulation.port.playback.rate
    start = simulation.port.playback.block / rate / 2
    found, place = [], 0
    while place < len(sound):
        window = np.abs(sound[place : place + rate // 5])
        if window.max() < 0.05:
            place += rate // 5
            continue
        peak = place + int(np.argmax(window))
        heard = peak / rate + start
        found.append((heard, (heard - 0.1) % every))
        place = peak + rate // 5
    return found


def told(simulation: Simulation) -> float:
    pipeline = simulation.pipeline
    return pipeline.seconds + float(pipeline.latency) + pipeline.output.delay


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("rates", [(48_000, 48_000), (48_000, 44_100), (16_000, 96_000)])
def test_the_delay_that_is_told_is_the_delay_there_is(simulate: Simulate, step: int, rates: tuple[int, int]) -> None:
    sound = clicks(3)[:: RATE // rates[0]] if rates[0] < RATE else clicks(3)
    simulation = simulate(sound, port=SimulatedPort(*rates), step=step)
    simulation.run(3)
    measured = delays(simulation)
    assert len(measured) == 6
    assert [delay for _, delay in measured] == pytest.approx([told(simulation)] * 6, abs=3e-4)
    assert simulation.pipeline.counts.underruns == 0


@pytest.mark.parametrize("drift_ppm", [-300.0, 300.0])
def test_two_clocks_that_drift_leave_the_queue_as_long_as_it_was(simulate: Simulate, drift_ppm: float) -> None:
    simulation = simulate(tone(45), drift_ppm=drift_ppm)
    simulation.run(5)
    before = simulation.pipeline.output.delay
    shortest, longest = 1.0, 0.0

    def look() -> None:
        nonlocal shortest, longest
        delay = simulation.pipeline.output.delay
        shortest, longest = min(shortest, delay), max(longest, delay)

    simulation.run(40, look)
    assert simulation.pipeline.counts.underruns == 0
    assert simulation.pipeline.counts.dropped_frames == 0
    assert longest - shortest < 0.002
    assert abs(simulation.pipeline.output.delay - before) < 0.001
    assert simulation.pipeline.output.drift_ppm == pytest.approx(drift_ppm, abs=60)


@pytest.mark.parametrize("stall", [0.06, 0.3, 3.0])
def test_after_a_stall_the_delay_is_back_to_normal_within_a_second(simulate: Simulate, stall: float) -> None:
    simulation = simulate(clicks(12))
    simulation.run(3)
    usual = told(simulation)
    simulation.stalled = True
    simulation.run(stall)
    simulation.stalled = False
    over = simulation.elapsed
    simulation.run(11 - over)
    output = simulation.pipeline.output
    later = [delay for heard, delay in delays(simulation) if heard > over + 1]
    assert len(later) >= 8
    assert max(later) <= usual + (output.target - 0.01) + 0.006
    assert later[-1] == pytest.approx(told(simulation), abs=5e-4)
    counts = simulation.pipeline.counts
    assert counts.underruns == 1
    assert counts.overruns == (stall > 2)
    # Whatever came late is counted, in frames of 20 ms; what was still of use was not dropped.
    assert stall - 0.1 <= counts.dropped_frames * 0.02 <= stall + 0.1


def test_a_server_that_rearranges_its_buffers_costs_no_sound(simulate: Simulate) -> None:
    # Words and pauses of changing lengths, so that pauses end at any place of a step.
    words = [np.pad(tone(0.2 + 0.003 * index), (0, round(0.05 * RATE))) for index in range(40)]
    sound = np.concatenate(words)
    simulation = simulate(sound)
    simulation.run(2)
    usual = simulation.pipeline.output.delay
    simulation.hold_back(0.015)
    simulation.run(2)
    simulation.hold_back(0.04)
    simulation.run(4)
    assert simulation.pipeline.counts.underruns == simulation.pipeline.counts.dropped_frames == 0
    assert simulation.pipeline.output.delay == pytest.approx(usual, abs=0.006)
    lengths = [len(word) - round(0.05 * RATE) for word in words]
    heard = np.abs(simulation.heard) > 0.01
    edges = np.flatnonzero(np.diff(np.convolve(heard, np.ones(480), "same") > 0))
    spoken = [end - begin - 479 for begin, end in zip(edges[::2], edges[1::2], strict=False)]
    assert len(spoken) > 20
    np.testing.assert_allclose(spoken, lengths[: len(spoken)], atol=100)


def test_without_a_voice_the_speaker_is_heard_as_they_are(simulate: Simulate) -> None:
    sound = babble(4, RATE)
    simulation = simulate(sound)
    simulation.run(4)
    delay = int((told(simulation) - 0.005) * RATE)
    original = low(sound)[RATE : 3 * RATE]
    heard = [low(simulation.heard)[RATE + late : 3 * RATE + late] for late in (delay - 1, delay)]
    assert max(np.corrcoef(original, one)[0, 1] for one in heard) > 0.99


def low(sound: Block) -> Block:
    """Return what is below 2 kHz, where no resampler takes anything away, nor does half a sample's delay."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) > 2000] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


QUIETER = Rack("quieter", (Effect("gain", (("gain_db", -12.0),)),))
CHANGES = [
    {"mute": True},
    {"bypass": True},
    {"input_gain_db": 12.0},
    {"output_gain_db": -12.0},
    {"gate_threshold_dbfs": 0.0},
    {"push_to_talk": True},
    {"effects": QUIETER},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_no_control_makes_a_click(simulate: Simulate, voice: str, change: dict[str, object]) -> None:
    simulation = simulate(tone(4), replace(OPEN, voice=voice))
    # So that converted and original sound are not the same.
    simulation.fitter.transport, simulation.fitter.work = np.negative, lambda: None  # type: ignore[method-assign,assignment]
    simulation.run(2)
    simulation.settings = replace(OPEN, voice=voice, **change)  # type: ignore[arg-type]
    simulation.run(1)
    simulation.settings = replace(OPEN, voice=voice)
    simulation.run(1)
    heard = simulation.heard[RATE:]
    steepest = 2 * np.pi * 200 / RATE * np.abs(heard).max()
    glide = 0.2 / (0.002 * RATE)
    assert np.abs(np.diff(heard)).max() < steepest + glide
    period = RATE // 200
    before, during = heard[RATE // 2 :][:period], heard[RATE + RATE // 2 :][:period]
    assert np.abs(during - before).max() > 0.05


@pytest.mark.parametrize("change", ["voice", "strength", "block_size"])
def test_neither_a_voice_nor_its_strength_nor_k_makes_a_click(
    simulate: Simulate, pack: ModelPack, voice: str, tmp_path: Path, change: str
) -> None:
    soundfile.write(tmp_path / "other.wav", 0.5 * babble(5, 16_000, seed=8) + 0.05, 16_000)
    chosen = {"strength": MapChoice(strength=0.2), "block_size": MapChoice(block_size=8)}.get(change, MapChoice())
    other = str(tmp_path / "other.wav") if change == "voice" else voice
    # A pitch at which frames end anywhere in a period.
    sound = (0.1 * np.sin(2 * np.pi * 213 * np.arange(4 * RATE) / RATE)).astype(np.float32)
    enrolment = enrol_audio(babble(5, RATE), RATE, pack, "microphone")
    simulation = simulate(sound, replace(OPEN, voice=voice), enrolment=enrolment)
    simulation.run(2)
    before = simulation.fitter.transport
    simulation.settings = replace(simulation.settings, voice=other, map=chosen)
    simulation.run(2)
    jumps = np.abs(np.diff(simulation.heard))
    usual = max(jumps[RATE : round(1.9 * RATE)].max(), jumps[3 * RATE :].max())
    assert jumps[round(1.9 * RATE) : 3 * RATE].max() < 1.1 * usual
    if change == "strength":
        assert np.std(simulation.heard[3 * RATE :]) < 0.8 * np.std(simulation.heard[RATE : 2 * RATE])
    else:
        assert simulation.fitter.transport is not before


def test_bypass_takes_the_effects_away_too(simulate: Simulate) -> None:
    simulation = simulate(tone(4), replace(OWN, effects=QUIETER))
    simulation.run(2)
    simulation.settings = replace(simulation.settings, bypass=True)
    simulation.run(2)
    changed, own = simulation.heard[RATE : 2 * RATE], simulation.heard[3 * RATE :]
    assert np.std(changed) / np.std(own) == pytest.approx(10 ** (-12 / 20), rel=0.05)


def test_the_bypassed_sound_comes_exactly_as_late(simulate: Simulate, voice: str) -> None:
    simulation = simulate(clicks(4), replace(OPEN, voice=voice, bypass=True))
    simulation.run(4)
    measured = [delay for heard, delay in delays(simulation) if heard > 0.3]
    assert measured == pytest.approx([told(simulation)] * len(measured), abs=3e-4)
    assert len(measured) >= 6


@pytest.mark.parametrize("bypass", [False, True])
def test_a_map_with_lookahead_makes_the_told_delay_grow_as_much_as_the_real_one(
    simulate: Simulate, voice: str, monkeypatch: pytest.MonkeyPatch, bypass: bool
) -> None:
    """From then on a map without lookahead comes as late; a pipeline that begins anew needs no more than its map.

    What the map makes of the frames beside a click's is too quiet to be taken for one.
    """
    monkeypatch.setitem(FITS, "smooth", lambda source, target: Smoother())
    simulation = simulate(clicks(9), replace(OWN, bypass=bypass))
    simulation.run(2)
    before = simulation.pipeline.chain.latency_seconds
    for settings in (OWN, replace(OPEN, voice=voice, map=MapChoice("smooth")), replace(OWN, voice=voice)):
        simulation.settings = replace(settings, bypass=bypass)
        simulation.run(1)
        simulation.clear()
        begun = simulation.elapsed
        simulation.run(1)
        measured = [(heard + begun - 0.1) % 0.5 for heard, _ in delays(simulation)]
        grown = Fraction(0) if begun < 4 else Fraction(LOOKAHEAD, 50)
        assert simulation.pipeline.chain.latency_seconds == before + grown
        assert measured == pytest.approx([told(simulation)] * 2, abs=6e-4)
    again = Pipeline(simulation.pipeline.chain.converter, simulation.fitter, SimulatedPort(), 1, OWN)
    assert again.chain.latency_seconds == before


def test_mute_is_silence_at_once(simulate: Simulate) -> None:
    simulation = simulate(tone(3))
    simulation.run(1)
    simulation.settings = replace(OWN, mute=True)
    simulation.run(1)
    waiting = simulation.pipeline.output.delay + 0.03
    assert not simulation.heard[round((1 + waiting) * RATE) :].any()
    simulation.settings = OWN
    simulation.run(1)
    assert np.abs(simulation.heard[-RATE // 2 :]).max() > 0.05


def test_push_to_talk_sends_what_was_said_while_talking_and_nothing_else(simulate: Simulate) -> None:
    quiet = replace(OWN, push_to_talk=True)
    simulation = simulate(tone(3), quiet)
    simulation.run(1)
    simulation.settings = replace(quiet, talking=True)
    simulation.run(1)
    simulation.settings = quiet
    simulation.run(1)
    heard = np.flatnonzero(np.abs(simulation.heard) > 0.01) / RATE + 0.005 - told(simulation)
    assert 1 - 0.03 <= heard.min() <= 1.03
    assert 2 - 0.03 <= heard.max() <= 2.03


def test_the_monitor_has_its_own_gain_and_switch(simulate: Simulate) -> None:
    settings = replace(OWN, monitor=True, monitor_gain_db=-6.0)
    simulation = simulate(tone(3), settings, port=SimulatedPort(monitored=True))
    simulation.run(2)
    ratio = np.std(simulation.monitored[RATE:]) / np.std(simulation.heard[RATE:])
    assert ratio == pytest.approx(10 ** (-6 / 20), rel=0.01)
    simulation.settings = OWN
    simulation.run(1)
    assert not simulation.monitored[round(2.2 * RATE) :].any()
    assert np.std(simulation.heard[round(2.2 * RATE) :]) > 0.05


def test_a_recording_holds_both_sides_at_the_packs_rate(simulate: Simulate, pack: ModelPack, tmp_path: Path) -> None:
    simulation = simulate(tone(2))
    recorder = simulation.pipeline.recorder = Recorder(tmp_path / "in.wav", tmp_path / "out.wav", pack.sample_rate)
    simulation.run(2)
    recorder.close()
    heard, rate = soundfile.read(tmp_path / "in.wav", dtype="float32")
    sent, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == pack.sample_rate
    assert len(heard) == len(sent) == 2 * rate
    late = 2 * pack.hop
    np.testing.assert_allclose(sent[late:], heard[:-late], atol=2e-4)


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


def test_a_voice_is_reached_and_one_that_is_missing_leaves_the_map_as_it_was(simulate: Simulate, voice: str) -> None:
    sound = babble(20, RATE)
    simulation = simulate(sound, replace(OPEN, voice=voice))
    simulation.run(4)
    transport = simulation.fitter.transport
    assert transport is not None
    assert simulation.fitter.voice == voice
    simulation.settings = replace(OPEN, voice="nobody")
    simulation.run(0.5)
    assert "nobody" in simulation.fitter.error
    assert simulation.fitter.transport is transport
    simulation.settings = replace(OPEN, voice=voice)
    simulation.run(0.5)
    assert simulation.fitter.error == ""


def test_a_quiet_microphone_reaches_the_model_at_its_level_and_comes_back_quiet(
    simulate: Simulate, pack: ModelPack
) -> None:
    sound = 0.2 * babble(6, RATE)
    simulation = simulate(sound)
    levels: list[float] = []
    process = simulation.pipeline.chain.converter.process

    def listen(block: Block) -> Block:
        levels.append(float(np.sqrt(np.mean(block**2))))
        return process(block)

    simulation.pipeline.chain.converter.process = listen  # type: ignore[method-assign]
    simulation.run(6)
    reached = 20 * np.log10(np.sqrt(np.mean(np.square(levels[-100:]))))
    assert reached == pytest.approx(pack.level_dbfs, abs=1.5)
    inner = slice(4 * RATE, 5 * RATE)
    assert np.std(low(simulation.heard)[inner]) == pytest.approx(np.std(low(sound)[inner]), rel=0.05)


def test_an_enrolment_sets_level_and_statistics_and_stops_the_learning(simulate: Simulate, pack: ModelPack) -> None:
    enrolment = enrol_audio(0.1 * babble(5, RATE), RATE, pack, "microphone")
    simulation = simulate(babble(3, RATE), enrolment=enrolment)
    simulation.run(3)
    assert simulation.speaker.speech_frames == 0
    assert simulation.speaker.features() is enrolment.features
    assert simulation.pipeline.chain.normaliser.level_dbfs == enrolment.level_dbfs


def test_a_model_that_breaks_gives_silence_and_is_counted(simulate: Simulate) -> None:
    simulation = simulate(tone(3))
    simulation.run(1)
    vocoder = simulation.pipeline.chain.converter.vocoder
    process = vocoder.process
    vocoder.process = lambda block: np.full_like(process(block), np.nan)  # type: ignore[method-assign]
    simulation.run(1)
    vocoder.process = process  # type: ignore[method-assign]
    simulation.run(1)
    assert np.isfinite(simulation.heard).all()
    assert simulation.pipeline.counts.dropped_frames == 50
    assert np.std(simulation.heard[-RATE // 2 :]) > 0.05


def feed(queue: OutputQueue, seconds: float, sound: float = 0.1) -> None:
    """Let a device take what is written, at the same pace."""
    out = np.zeros(queue.playback.block, np.float32)
    for _ in range(round(seconds / 0.02)):
        queue.write(np.full(320, sound, np.float32), False)
        queue.playback.pull(out)
        queue.playback.pull(out)


def test_the_queue_grows_with_underruns_and_shrinks_in_calm_more_slowly_where_it_was_wrong() -> None:
    queue = OutputQueue(16_000, Playback(RATE))
    out = np.zeros(queue.playback.block, np.float32)
    targets = []

    def underrun() -> None:
        for _ in range(round(queue.delay / 0.01) + 3):
            queue.playback.pull(out)

    feed(queue, 1)
    targets.append(queue.target)
    underrun()
    feed(queue, 1)
    targets.append(queue.target)
    feed(queue, CALM_SECONDS)
    targets.append(queue.target)
    underrun()
    feed(queue, CALM_SECONDS + 1)
    targets.append(queue.target)
    feed(queue, CALM_SECONDS)
    targets.append(queue.target)
    assert targets == pytest.approx([0.01, 0.02, 0.01, 0.02, 0.01])


def hours(queue: OutputQueue, seconds: int, underruns: Collection[int] = ()) -> list[float]:
    """Let a device take what is written, a second at a time, and run dry at some; return the target after each."""
    out = np.zeros(queue.playback.rate, np.float32)
    targets = []
    for second in range(seconds):
        queue.write(np.full(queue.playback.rate, 0.1, np.float32), False)
        for _ in range(2 if second in underruns else 1):
            queue.playback.pull(out)
        targets.append(queue.target)
    return targets


def test_after_a_bad_hour_the_queue_is_short_again_within_minutes_not_hours() -> None:
    """A minute for a block, and no more for what was once too few than that was worth."""
    queue = OutputQueue(1000, Playback(1000))
    moments = np.random.default_rng(1).exponential(60, 90).cumsum()
    assert max(hours(queue, 3600, {int(moment) for moment in moments if moment < 3500})) > 0.1
    calm = hours(queue, 3600)
    least = calm.index(min(calm))
    assert calm[least] == pytest.approx(0.01)
    assert least < 30 * 60


def test_an_underrun_now_and_then_lengthens_the_queue_by_one_block_for_a_minute() -> None:
    queue = OutputQueue(1000, Playback(1000))
    targets = np.array(hours(queue, 3600, range(600, 3600, 600)))
    assert targets.max() == pytest.approx(0.02)
    assert np.count_nonzero(np.diff(targets)) == 10
    assert np.mean(targets > 0.015) < 0.15


def test_what_was_one_block_too_few_again_and_again_is_tried_ever_more_seldom() -> None:
    """Also where the device runs dry more than once each time, so that the queue grows by more than it should."""
    queue = OutputQueue(1000, Playback(1000))
    underruns = []
    for _ in range(2):
        before = queue.playback.underruns
        for _ in range(7200):
            hours(queue, 1, (0,) if queue.target < 0.015 else ())
        underruns.append(queue.playback.underruns - before)
    assert underruns[0] < 20
    assert underruns[1] <= 6


def test_an_excess_is_trimmed_from_the_next_silence() -> None:
    queue = OutputQueue(16_000, Playback(RATE))
    feed(queue, 2)
    queue.playback.ring.write(np.full(round(0.04 * RATE), 0.1, np.float32))
    feed(queue, 3)
    assert queue.delay > 0.045
    feed(queue, 3, sound=0.0)
    assert queue.delay < 0.03
    assert queue.playback.underruns == 0


def test_history_gives_the_last_samples_in_order() -> None:
    history = History(10)
    history.add(np.arange(4, dtype=np.float32))
    np.testing.assert_array_equal(history.latest(6), [0, 0, 0, 1, 2, 3])
    history.add(np.arange(4, 17, dtype=np.float32))
    np.testing.assert_array_equal(history.latest(10), np.arange(7, 17))


def test_nothing_piles_up_however_long_it_runs(simulate: Simulate, voice: str) -> None:
    port = SimulatedPort(monitored=True)
    simulation = simulate(0.3 * babble(60, RATE), replace(OPEN, voice=voice, monitor=True), port=port, drift_ppm=100)
    simulation.run(10)
    tracemalloc.start()
    simulation.run(5)
    grown = []
    for _ in range(2):
        simulation.clear()
        before = tracemalloc.get_traced_memory()[0]
        simulation.run(10)
        simulation.clear()
        grown.append(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert max(grown) < 100_000
