from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rtvc.packs.pack import ModelPack
from rtvc.remote import benchmark
from rtvc.remote.benchmark import codec_delay, server_report
from rtvc.remote.impairment import Impairment
from rtvc.remote.peer import CODEC_SECONDS
from rtvc.remote.workers import Workers
from tests.support.commands import refusal
from tests.support.remote import LocalWorkers, local_server


def test_the_lookahead_of_the_codec_is_what_a_click_says() -> None:
    assert codec_delay() == pytest.approx(CODEC_SECONDS, abs=2e-4)


def test_networks_are_known_by_name() -> None:
    assert "Available: loopback, 1 % loss" in refusal("bench", "server", "--network", "worse")


def test_the_report_holds_what_was_measured(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def within(pack: ModelPack, sessions: int) -> Iterator[tuple[str, Workers]]:
        workers = LocalWorkers(pack, sessions)
        with local_server(workers) as url:
            yield url, workers

    monkeypatch.setattr(benchmark, "running_server", within)
    monkeypatch.setattr(benchmark, "SETTLING_SECONDS", 0.2)
    monkeypatch.setattr(benchmark, "JOIN_SECONDS", 0.5)
    networks = [Impairment("bad", loss=0.02, jitter_seconds=0.01)]
    report = server_report(pack, clicks=2, networks=networks, calm=1.0, sessions=1, seconds=0.5, visits=2)
    bad = report.results["delay"]["bad"]
    assert 0.001 < bad["packets_lost_share"] < 0.1
    assert bad["concealed"] > 0
    assert all(delay > 1000 * CODEC_SECONDS for delay in bad["delays_milliseconds"])
    shown = dict(bad["displayed_milliseconds"])
    assert shown["network"] > 1
    assert bad["recovered_milliseconds"] > 1000 * CODEC_SECONDS
    (row,) = report.results["capacity"]
    assert row["sessions"] == 1
    visits = report.results["visits"]
    assert len(visits["held"]) == 1
    assert visits["growth"]["workers: threads"] == 0
    assert [len(table.rows) for table in report.tables] == [1, 1, 1, 9]
