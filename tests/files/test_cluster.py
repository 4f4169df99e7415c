"""Folders on a Dask cluster of two processes: equal results, killed workers, damaged files, and the manifest."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import soundfile

from rtvc.benchmark import cluster as cluster_benchmark
from rtvc.commands import convert_folder
from rtvc.errors import RtvcError
from rtvc.files.cluster_conversion import Cluster, open_cluster
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_file
from rtvc.files.folder_task import FolderJob, Recipe, Record, Task
from rtvc.files.manifest import Manifest
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice
from tests.support.commands import refusal, rtvc
from tests.support.sounds import babble, write
from tests.support.waiting import until

pytest.importorskip("distributed", reason="needs the extra 'cluster'")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'cluster'")
WORKER_MEBIBYTES = 900
posix = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds processes in /proc")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with open_cluster("local", 2, WORKER_MEBIBYTES) as started:
        yield started


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice("target", write(tmp_path / "target.wav", babble(5, 16_000, seed=1), 16_000))


@pytest.fixture
def words(
    cluster: Cluster, pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[object]:
    """A command that converts three recordings of two speakers, the last of them damaged, on the cluster."""
    monkeypatch.setattr(convert_folder, "open_cluster", lambda *arguments: nullcontext(cluster))
    for name, seed in (("p1/a.wav", 1), ("p2/b.flac", 2)):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        write(tmp_path / "in" / name, babble(1.5, 16_000, seed=seed), 16_000)
    (tmp_path / "in" / "p2" / "c.wav").write_text("not audio")
    return ["convert", tmp_path / "in", "--pack", pack.folder, "-o", tmp_path / "out", "--cluster", "local"]


def rows(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in parquet.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()}


def test_a_local_cluster_is_reached_from_this_machine_only(cluster: Cluster) -> None:
    known = cluster.client.scheduler_info()
    places = [known["address"], *known["workers"], *(worker["nanny"] for worker in known["workers"].values())]
    assert all(place.startswith("tls://127.0.0.1:") for place in places)
    assert cluster.dashboard.startswith("http://127.0.0.1:")


def test_results_equal_those_of_a_local_run_and_the_manifest_tells_of_each(
    words: list[object], voice: Voice, pack: ModelPack, tmp_path: Path
) -> None:
    table = tmp_path / "voices.csv"
    table.write_text(f"path,voice\n.,{voice.reference}\np2,Willow\n", encoding="utf-8")
    assert "1 of 3 recordings were not converted" in refusal(*words, "--voices", table)
    for name, target in (("p1/a.wav", voice), ("p2/b.flac", VoiceLibrary().find("Willow"))):
        local = tmp_path / Path(name).name
        convert_file(tmp_path / "in" / name, target, local, pack)
        assert local.read_bytes() == (tmp_path / "out" / name).read_bytes()
    told = rows(tmp_path)
    assert {source: row["voice"] for source, row in told.items()} == {
        "p1/a.wav": str(voice.reference),
        "p2/b.flac": "Willow",
        "p2/c.wav": "Willow",
    }
    good, bad = told["p1/a.wav"], told["p2/c.wav"]
    assert good["duration_seconds"] == 1.5
    assert good["pack_sha256"] == pack.digest
    assert good["error"] == ""
    assert good["real_time_factor"] > 0
    assert "c.wav: is not audio" in bad["error"]
    assert bad["duration_seconds"] is None


def test_what_is_finished_is_known_by_its_content(words: list[object], voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "in" / "p2" / "c.wav").unlink()
    words += ["--voice", voice.reference]
    rtvc(*words)
    first, second = tmp_path / "out" / "p1" / "a.wav", tmp_path / "out" / "p2" / "b.flac"
    before, written = rows(tmp_path), (first.stat().st_ino, second.stat().st_ino)
    assert "Skipped 2 recordings converted earlier" in rtvc(*words)
    assert (first.stat().st_ino, second.stat().st_ino) == written
    assert rows(tmp_path) == before

    write(tmp_path / "in" / "p1" / "a.wav", babble(1.6, 16_000), 16_000)
    assert "a.wav (1.6 s)" in rtvc(*words)
    assert (first.stat().st_ino == written[0], second.stat().st_ino == written[1]) == (False, True)
    assert rows(tmp_path)["p1/a.wav"]["duration_seconds"] == 1.6

    second.write_bytes(b"edited")
    assert "b.flac: was changed after its conversion; use --force" in refusal(*words)
    assert second.read_bytes() == b"edited"
    complaint = refusal(*words, "--strength", "0.5")
    assert "nothing was converted, because 2 outputs in" in complaint
    assert "were made with another voice, pack or setting; use --force" in complaint
    assert second.read_bytes() == b"edited"
    assert "a.wav (1.6 s)" in rtvc(*words, "--strength", "0.5", "--force")


@pytest.mark.parametrize("again", [(), ("--force",)])
def test_a_changed_source_is_converted_though_an_attempt_has_failed(
    words: list[object], voice: Voice, tmp_path: Path, again: tuple[str, ...]
) -> None:
    (tmp_path / "in" / "p2" / "c.wav").unlink()
    words += ["--voice", voice.reference]
    rtvc(*words)
    before, output = rows(tmp_path)["p1/a.wav"], tmp_path / "out" / "p1" / "a.wav"
    source = tmp_path / "in" / "p1" / "a.wav"
    first, longer = source.read_bytes(), write(tmp_path / "take 2.wav", babble(2, 16_000), 16_000).read_bytes()

    source.write_bytes(longer[: len(longer) // 2])
    assert "1 of 2 recordings were not converted" in refusal(*words, *again)
    failed = rows(tmp_path)["p1/a.wav"]
    assert "a.wav: is cut short" in failed["error"]
    assert failed | {"error": ""} == before

    source.write_bytes(first)
    assert "Skipped 2 recordings converted earlier" in rtvc(*words)
    assert rows(tmp_path)["p1/a.wav"] == before

    source.write_bytes(longer[: len(longer) // 2])
    refusal(*words, *again)
    source.write_bytes(longer)
    assert "a.wav (2.0 s)" in rtvc(*words)
    assert soundfile.info(output).frames == 32_000
    assert rows(tmp_path)["p1/a.wav"]["error"] == ""


def test_the_benchmark_counts_recordings(cluster: Cluster, pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_benchmark, "open_cluster", lambda *arguments: nullcontext(cluster))
    shares: list[float] = []
    report = cluster_benchmark.cluster_report(pack, (1, 2), 2, shares.append)
    one, two = report.results["workers 1"], report.results["workers 2"]
    assert one["efficiency"] == 1
    assert two["efficiency"] == pytest.approx(two["recordings_an_hour"] / one["recordings_an_hour"] / 2)
    assert one["hours_of_sound_an_hour"] == pytest.approx(one["recordings_an_hour"] * one["mean_seconds"] / 3600)
    assert 0.5 <= max(shares) < 1


def test_one_recording_and_contradictions_are_refused(words: list[object], voice: Voice, tmp_path: Path) -> None:
    assert "not both" in refusal(*words, "--voice", "Willow", "--voices", "random")
    one = ["convert", voice.reference, "-o", tmp_path / "out.wav", "--voice", "Willow", "--cluster", "local"]
    assert "need a folder, and this is one recording" in refusal(*one)


def test_a_manifest_that_cannot_be_is_refused_at_the_start(words: list[object], tmp_path: Path) -> None:
    words += ["--voice", "Willow", "--manifest"]
    (tmp_path / "folder").mkdir()
    assert f"folder: is a folder; name a file in it, such as {tmp_path}" in refusal(*words, tmp_path / "folder")
    assert "A path is empty" in refusal(*words, "")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("*.journal"))


def test_a_scheduler_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(RtvcError, match=r"nothing://here: no cluster answers"), open_cluster("nothing://here"):
        pass


@posix
class TestKilledWorkers:
    """Workers that are killed while they convert; a recording of 20 min takes far longer than a test."""

    @pytest.fixture(autouse=True)
    def files(self, cluster: Cluster, pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
        self.cluster, self.folder, self.output = cluster, tmp_path / "in", tmp_path / "out"
        self.folder.mkdir()
        self.job = FolderJob(str(pack.folder), Runtime(), Conversion(step=1))
        self.recipe = Recipe.of(str(voice.reference), voice, pack, self.job.conversion)
        self.records: list[Record] = []

    def task(self, name: str, minutes: float) -> Task:
        second = babble(1, 16_000)
        with soundfile.SoundFile(self.folder / name, "w", 16_000, 1) as file:
            for _ in range(round(60 * minutes)):
                file.write(second)
        return Task(self.folder / name, self.output / Path(name).stem / name, self.recipe)

    def start(self, *tasks: Task) -> threading.Thread:
        thread = threading.Thread(
            target=self.cluster.convert_tasks, args=(tasks, self.job, self.records.append), daemon=True
        )
        thread.start()
        return thread

    def kill_the_worker_of(self, task: Task, by_memory: bool = False) -> None:
        """Kill the process that has the task's unfinished output open, or let it take more memory than it may."""

        def writers() -> list[int]:
            links = Path("/proc").glob("[0-9]*/fd/*")
            return [int(link.parts[2]) for link in links if is_part(link, task.output.parent)]

        found: list[int] = []
        until(lambda: found.extend(writers()) or found, seconds=60)  # type: ignore[func-returns-value]
        if by_memory:
            processes = self.cluster.client.run(os.getpid)
            place = next(place for place, process in processes.items() if process == found[0])
            hoard = lambda size: setattr(sys, "hoard", b"x" * size)  # noqa: E731 - is sent to the worker as it is
            self.cluster.client.run(hoard, (WORKER_MEBIBYTES + 1) << 20, workers=[place], on_error="return")
        else:
            os.kill(found[0], signal.SIGKILL)
        until(lambda: found[0] not in writers())

    def test_one_that_dies_loses_nothing_and_repeats_nothing_finished(self) -> None:
        short, long = self.task("a.wav", 0.02), self.task("b.wav", 0.1)
        thread = self.start(short, long)
        until(lambda: self.records, seconds=60)
        written = short.output.stat().st_ino
        self.kill_the_worker_of(long)
        thread.join(120)
        assert [(record.task, record.error) for record in self.records] == [(short, ""), (long, "")]
        assert short.output.stat().st_ino == written
        assert soundfile.info(long.output).frames == 6 * 16_000

    def test_a_recording_that_kills_its_workers_is_reported_and_the_rest_goes_on(self) -> None:
        poison, short = self.task("a.wav", 20), self.task("b.wav", 0.02)
        thread = self.start(poison, short)
        self.kill_the_worker_of(poison)
        self.kill_the_worker_of(poison, by_memory=True)
        thread.join(120)
        assert {record.task: bool(record.error) for record in self.records} == {poison: True, short: False}
        assert "its worker was killed" in next(record.error for record in self.records if record.error)
        assert not poison.output.exists()


def test_a_journal_outlives_the_process_that_wrote_it(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    path, folder, output = tmp_path / "out" / "m.parquet", tmp_path / "in", tmp_path / "out"
    recipe = Recipe.of("target", voice, pack, Conversion())
    killed = Manifest(path, folder, output)
    killed.begin(Task(folder / "a.wav", output / "a.wav", recipe))
    killed.add(Record(Task(folder / "b.wav", output / "b.wav", recipe), error="b.wav: damaged"))
    journal = path.with_name("m.parquet.journal")
    with journal.open("a") as file:
        file.write('{"source": "c.wa')
    for _ in range(2):
        with Manifest(path, folder, output) as manifest:
            earlier = manifest.earlier(Path("a.wav"))
            assert earlier is not None
            assert (earlier.recipe, earlier.digests) == (recipe, None)
            assert not manifest.knows(Path("b.wav"))
            assert not manifest.knows(Path("c.wav"))
        assert not journal.exists()
    path.write_bytes(b"something else")
    with pytest.raises(RtvcError, match=r"m\.parquet: is not a Parquet file"):
        Manifest(path, folder, output)


def is_part(link: Path, folder: Path) -> bool:
    """Tell whether an open file is an unfinished output in a folder."""
    try:
        return link.readlink().name.startswith(".rtvc-") and link.readlink().parent == folder
    except OSError:
        return False
