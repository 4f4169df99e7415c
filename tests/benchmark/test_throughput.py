import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtvc.benchmark import timing
from rtvc.benchmark.throughput import STAGES, WARM_UP_STEPS, measure, throughput_report
from rtvc.benchmark.timing import Stopwatch, distribution, memory, peak_memory, run_paced
from rtvc.benchmark.workload import Speech
from rtvc.cli import app
from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.transport import TransportStage


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


class Slow(Stage):
    """Takes its time, at every `every`-th block."""

    def __init__(self, clock: Clock, seconds: float, every: int = 1) -> None:
        super().__init__(16_000)
        self._clock = clock
        self._seconds = seconds
        self._every = every
        self._blocks = 0

    def _process(self, block: Block) -> Block:
        self._blocks += 1
        if self._blocks % self._every == 0:
            self._clock.sleep(self._seconds)
        return block

    def reset(self) -> None:
        pass


def test_a_slow_stage_shows_as_deadline_misses(clock: Clock) -> None:
    blocks = [np.zeros(1, np.float32)] * 6
    slow = run_paced(Slow(clock, 0.4, every=3).process, blocks, period=0.2)
    assert slow.misses == 2
    assert slow.compute == pytest.approx([0, 0, 0.4, 0, 0, 0.4])
    assert run_paced(Slow(clock, 0.0).process, blocks[:3], period=0.3).misses == 0


def test_work_waits_until_it_is_due(clock: Clock) -> None:
    assert run_paced(Slow(clock, 0.01).process, [np.zeros(1, np.float32)] * 5, period=0.02).late == [0.0] * 5
    assert clock.now == pytest.approx(5 * 0.02 + 0.01)


def test_a_slow_transport_is_found_in_its_stage(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    process = TransportStage._process

    def slow(stage: TransportStage, block: Block) -> Block:
        time.sleep(0.02)
        return process(stage, block)

    monkeypatch.setattr(TransportStage, "_process", slow)
    figures = measure(pack, minutes=1 / 60, step=5, threads=1)
    assert figures["stages"]["transport"]["real_time_factor"] >= 0.2
    assert figures["stages"]["transport"]["share"] > figures["stages"]["vocoder"]["share"]
    assert figures["step_milliseconds"]["p50"] >= 20


def test_a_report_of_every_count_of_threads(pack: ModelPack) -> None:
    shares: list[float] = []
    report = throughput_report(pack, 3 / 60, threads=[1, 2], progress=shares.append)
    results = report.results
    assert results["real_time_factor"] == results["threads 1"]["real_time_factor"]
    for run in (results["threads 1"], results["threads 2"]):
        assert run["audio_seconds"] == 3
        assert tuple(run["stages"]) == STAGES
        assert all(0 < stage["share"] < 1 for stage in run["stages"].values())
    assert shares == [0.5, 1.0]
    assert [row[0] for row in report.tables[0].rows] == ["threads 1", "threads 2"]


def test_cost_is_kept_by_the_minute(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    process, steps = TransportStage._process, [0]

    def slow_in_the_third_minute(stage: TransportStage, block: Block) -> Block:
        steps[0] += 1
        if steps[0] > WARM_UP_STEPS + 120:
            time.sleep(0.02)
        return process(stage, block)

    monkeypatch.setattr(TransportStage, "_process", slow_in_the_third_minute)
    figures = measure(pack, minutes=2.5, step=50, threads=1)
    assert len(figures["minutes_real_time_factor"]) == 3
    assert figures["minutes_real_time_factor"][2] >= 0.02
    assert figures["last_minute_real_time_factor"] >= 0.01


def test_less_than_a_step_is_refused(pack: ModelPack) -> None:
    with pytest.raises(RtvcError, match="shorter than one step"):
        measure(pack, minutes=0.0001, step=1, threads=1)


def test_speech_goes_on_without_a_gap() -> None:
    speech = Speech(16_000)
    size = 7 * 320
    blocks = list(speech.blocks(size, 1 + len(speech.sound) // size))
    np.testing.assert_array_equal(np.concatenate(blocks)[len(speech.sound) :][:100], speech.sound[:100])
    np.testing.assert_array_equal(blocks[0], speech.sound[:size])


def test_stages_under_watch_answer_as_before(clock: Clock) -> None:
    watch = Stopwatch()
    stage = Slow(clock, 0.01)
    watch.watch("slow", stage)
    np.testing.assert_array_equal(stage.process(np.ones(3, np.float32)), np.ones(3))
    assert watch.seconds["slow"] == pytest.approx(0.01)


def test_percentiles_are_in_milliseconds() -> None:
    figures = distribution([0.001 * value for value in range(1, 1002)])
    assert figures["p50"] == pytest.approx(501)
    assert figures["max"] == pytest.approx(1001)
    assert distribution([])["p50"] is None


def test_memory_counts_what_is_held() -> None:
    before, peak = memory(), peak_memory()
    if before is None or peak is None:
        pytest.skip("memory is not known here")
    held = np.ones(8 * 2**20)
    after, highest = memory(), peak_memory()
    assert after is not None
    assert highest is not None
    assert after - before > 60
    assert highest >= after - 1
    assert held[0] == 1


def test_the_command_writes_its_report(pack: ModelPack, tmp_path: Path) -> None:
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    arguments = ["bench", "throughput", "--pack", str(pack.folder), "--minutes", "0.02", "--threads", "1"]
    arguments += ["--json", str(figures), "--html", str(page)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    written = json.loads(figures.read_text())
    assert written["benchmark"] == "throughput"
    assert written["results"]["real_time_factor"] > 0
    assert written["packs"]["identity"]["digest"] == pack.digest
    assert "everything else" in page.read_text()
    with pytest.raises(RtvcError, match="already exists"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
