"""Plug-ins of the user's, tried on Zam's from the system's packages (`apt-get install zam-plugins`)."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rtvc.dsp import plugin_host
from rtvc.dsp.effects import NO_EFFECTS, Rack
from rtvc.dsp.effects_stage import Board, Effects
from rtvc.dsp.plugin_host import PluginHost
from rtvc.dsp.plugin_process import HEAD, process_audio
from rtvc.dsp.plugins import PluginEffect, PluginReport
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.background_boards import BackgroundBoards
from tests.support.libraries import needs_plugin
from tests.support.waiting import until

RATE = 48_000
MAXIMISER = PluginEffect("ZaMaximX2")
"""Looks ahead by 480 samples at 48 kHz, and reports it."""

ECHO = PluginEffect("ZamDelay")
DRY = ECHO.with_values({"dry_wet": 0.0})


def pulse(samples: int, at: int) -> Block:
    sound = np.zeros(samples, np.float32)
    sound[at - 20 : at + 21] = 0.5 * np.hanning(41)
    return sound


@pytest.mark.parametrize(("effect", "rate"), [(MAXIMISER, 16_000), (MAXIMISER, RATE), (DRY, 44_100)])
def test_streaming_equals_offline_and_a_pulse_comes_when_it_is_told(effect: PluginEffect, rate: int) -> None:
    needs_plugin(effect.plugin)
    stage = Effects(rate, Rack("", (effect,)))
    sound = pulse(9_600, 4_000)
    whole = stage.process(sound)
    assert np.argmax(np.abs(whole)) == pytest.approx(4_000 + stage.latency, abs=1)
    if effect is MAXIMISER:
        assert float(stage.latency_seconds) >= 0.01
    stage.reset()
    streamed = np.concatenate([stage.process(block) for block in np.split(sound, 30)])
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


def test_a_share_of_a_plugin_is_mixed_with_the_voice_in_its_place() -> None:
    needs_plugin(MAXIMISER.plugin)
    stage = Effects(RATE, Rack("", (MAXIMISER,), amount=0.0))
    sound = pulse(9_600, 4_000)
    np.testing.assert_array_equal(stage.process(sound)[stage.latency :], sound[: -stage.latency])


def test_other_values_are_heard_at_once() -> None:
    needs_plugin(ECHO.plugin)
    dry, wet = (ECHO.with_values({"dry_wet": share}) for share in (0.0, 1.0))
    stage = Effects(RATE, Rack("", (dry,)))
    tone = (0.1 * np.sin(0.3 * np.arange(RATE))).astype(np.float32)
    before = stage.process(tone)
    stage.rack = Rack("", (wet,))
    until(lambda: np.std(stage.process(tone) - before) > 0.3 * np.std(before))
    # A state from the plug-in's window comes with its values, and needs no other process.
    stage.rack = Rack("", (replace(wet, state="c3RhdGU="),))
    stage.process(tone[:960])
    assert len(multiprocessing.active_children()) == 1


def test_a_plugin_that_crashes_live_is_switched_off_by_name() -> None:
    needs_plugin(ECHO.plugin)
    stage = Effects(RATE, Rack("", (ECHO,)), lambda rate, rack: Board(rate, rack, live=True))
    tone = (0.1 * np.sin(0.3 * np.arange(960))).astype(np.float32)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    heard = np.concatenate([stage.process(tone) for _ in range(3)])
    assert "ZamDelay crashed" in stage.problem
    assert np.std(heard[-960:]) == pytest.approx(np.std(tone), rel=0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process without ending it")
def test_a_plugin_that_stalls_is_switched_off_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_plugin(ECHO.plugin)
    monkeypatch.setattr(plugin_host, "LATE_BLOCKS", 3)
    host = PluginHost(ECHO, live=True)
    children = [child.pid for child in multiprocessing.active_children()]
    for pid in children:
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    answers = [host.process(np.zeros(960, np.float32)) for _ in range(4)]
    for pid in children:
        assert pid is not None
        os.kill(pid, signal.SIGCONT)
    assert all(answer is None for answer in answers)
    assert "ZamDelay is too slow" in host.problem


def test_live_it_is_loaded_beside_the_worker() -> None:
    needs_plugin(MAXIMISER.plugin)
    stage = Effects(RATE, boards=BackgroundBoards())
    stage.rack = Rack("", (MAXIMISER,))
    silence = np.zeros(960, np.float32)
    began = time.perf_counter()
    stage.process(silence)
    assert time.perf_counter() - began < 0.2
    until(lambda: len(stage.process(silence)) == 960 and stage.latency > 0)
    assert stage.latency == pytest.approx(0.01 * RATE, abs=1)


class Lookahead:
    """A plug-in that can change its latency while it runs."""

    reported_latency_samples = 0
    problem = ""

    def __init__(self) -> None:
        self.look_ahead(0)

    def look_ahead(self, samples: int) -> None:
        self.reported_latency_samples = samples
        self._kept = np.zeros(samples, np.float32)

    def process(self, block: Block, rate: int, size: int, reset: bool) -> Block:
        joined = np.concatenate([self._kept, block[0]])
        self._kept = joined[block.shape[1] :]
        return joined[None, : block.shape[1]]


def test_each_answer_tells_the_latency_of_its_moment() -> None:
    plugin, report = Lookahead(), PluginReport(1, 0, 0, ())
    ours, its = multiprocessing.Pipe()
    answering = threading.Thread(target=process_audio, args=(plugin, report, its, lambda: None, None))
    answering.start()
    answers = []
    for number, latency in enumerate((0, 480)):
        plugin.look_ahead(latency)
        ours.send_bytes(HEAD.pack(number, 0) + np.ones(960, np.float32).tobytes())
        answers.append(ours.recv_bytes())
    ours.close()
    answering.join()
    assert [HEAD.unpack_from(answer) for answer in answers] == [(0, 0), (1, 480)]
    assert np.frombuffer(answers[1], np.float32, offset=HEAD.size).sum() == 480


def test_the_told_latency_follows_a_plugin_that_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Lookahead()

    class Host:
        """A `PluginHost` without a process."""

        rate, report, problem = RATE, PluginReport(1, 0, 0, ()), ""
        latency = property(lambda self: plugin.reported_latency_samples)

        def process(self, block: Block) -> Block:
            (result,) = plugin.process(block[None], RATE, 960, False)
            return np.asarray(result)

        def reset(self) -> None:
            plugin.look_ahead(self.latency)

    monkeypatch.setattr("rtvc.dsp.effect_parts.PluginHost", lambda *arguments: Host())
    rack = Rack("", (PluginEffect("Lookahead"),), amount=0.5)
    stage = Effects(RATE, rack)
    sound = pulse(9_600, 4_000)
    np.testing.assert_array_equal(stage.process(sound), sound)
    plugin.look_ahead(480)
    stage.process(np.zeros(960, np.float32))
    assert stage.latency_seconds == Fraction(480, RATE)
    # The voice that is mixed in comes as late.
    np.testing.assert_allclose(stage.process(sound)[480:], sound[:-480], atol=1e-6)
    # With another latency, the rack fades in and out as any other.
    stage.reset()
    tone = (0.1 * np.sin(2 * np.pi * np.arange(9_600) / 480)).astype(np.float32)  # whole periods in 960
    heard = [stage.process(tone)[960:]]
    for stage.rack in (NO_EFFECTS, rack):
        heard += [stage.process(block) for block in np.split(tone, 10)]
    assert np.abs(np.diff(np.concatenate(heard))).max() < 1.1 * np.abs(np.diff(tone)).max()


def test_what_is_no_plugin_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Broken.vst3").write_bytes(b"no plug-in")
    monkeypatch.setattr("rtvc.dsp.plugins.installed_plugins", lambda: {"Broken": tmp_path / "Broken.vst3"})
    with pytest.raises(RtvcError, match="The plug-in Broken cannot be used"):
        PluginHost(PluginEffect("Broken"))
    with pytest.raises(RtvcError, match="Did you mean Broken"):
        PluginHost(PluginEffect("Brokn"))
    board = Board(RATE, Rack("", (PluginEffect("Broken"),)), live=True)
    assert "The plug-in Broken cannot be used" in board.problem
    sound = pulse(960, 400)
    np.testing.assert_array_equal(board.process(sound), sound)


def test_a_plugin_that_lies_about_its_latency_gives_a_sentence() -> None:
    honest, liar = (PluginReport(1, latency, onset, ()) for latency, onset in ((480, 0), (0, 480)))
    assert not honest.warning("Z")
    assert "Z reports a delay of 0 ms, but an impulse came out after 10 ms" in liar.warning("Z")
