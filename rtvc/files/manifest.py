"""The manifest of a converted folder: a Parquet file with one row for each recording.

While a conversion runs, rows are appended to a journal of JSON lines beside the manifest, so a killed process loses
none. The journal is merged when the manifest is closed, or opened again. Everything runs on the calling thread.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePath
from types import ModuleType, TracebackType
from typing import Any, TextIO

from rtvc.errors import RtvcError
from rtvc.files.folder_task import Digests, Recipe, Record, Task
from rtvc.storage import atomic_write, make_folder

NAME = "manifest.parquet"
_JOURNAL = ".journal"
_RECIPE = tuple(field.name for field in fields(Recipe))
_TEXTS = ("source", "output", *_RECIPE, "source_sha256", "output_sha256", "error")
_NUMBERS = ("duration_seconds", "elapsed_seconds", "real_time_factor")


@dataclass(frozen=True)
class Earlier:
    """What an earlier run did to a recording; without digests, it was interrupted."""

    recipe: Recipe
    digests: Digests | None


class Manifest:
    """The rows of a manifest, by the path of their source below its folder; a context manager that writes them.

    Parameters
    ----------
    path
        The Parquet file; if it exists, its rows are kept and extended.
    folder, output
        The folder of the recordings and that of their conversions.

    Raises
    ------
    RtvcError
        If the extra `cluster` is missing, the file is not a manifest, or it cannot be written.
    """

    def __init__(self, path: Path, folder: Path, output: Path) -> None:
        self.path, self._folder, self._output = path, folder, output
        self._parquet = cluster_module("pyarrow.parquet")
        self._arrow = cluster_module("pyarrow")
        self._rows = {row["source"]: row for row in self._read()}
        self._finished: dict[str, dict[str, Any]] = {}  # rows that `begin` has replaced
        self._journal_path = path.with_name(path.name + _JOURNAL)
        self._journal: TextIO | None = None
        self._merge_journal()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the Parquet file, also where the conversion was interrupted, and remove the journal."""
        if self._journal is None and not self._journal_path.exists():
            return
        if self._journal is not None:
            self._journal.close()
        columns = {name: [row.get(name, "") for row in self._rows.values()] for name in _TEXTS}
        columns |= {name: [row.get(name) for row in self._rows.values()] for name in _NUMBERS}
        columns["warnings"] = [row.get("warnings", []) for row in self._rows.values()]
        text, number = self._arrow.string(), self._arrow.float64()
        schema = self._arrow.schema(
            [(name, text) for name in _TEXTS]
            + [(name, number) for name in _NUMBERS]
            + [("warnings", self._arrow.list_(text))]
        )
        with atomic_write(self.path) as file:
            self._parquet.write_table(self._arrow.table(columns, schema), file)
        self._journal_path.unlink(missing_ok=True)

    def knows(self, recording: PurePath) -> bool:
        """Tell whether an earlier run converted or began a recording, given by its path below the folder."""
        return self.earlier(recording) is not None

    def earlier(self, recording: PurePath) -> Earlier | None:
        """Return the last conversion of a recording that was finished or interrupted; None if there is none.

        An attempt that failed after it changed nothing.
        """
        row = self._rows.get(_text(recording))
        if row is None or (row.get("error") and not row.get("output_sha256")):
            return None
        recipe = Recipe(**{name: row.get(name, "") for name in _RECIPE})
        done = row.get("output_sha256")
        return Earlier(recipe, Digests(row["source_sha256"], done) if done else None)

    def converted(self) -> Iterator[tuple[PurePath, PurePath, str]]:
        """Return each finished recording, its output and its voice; both paths lie below their folders.

        Raises `RtvcError` if a path of the manifest leads elsewhere.
        """
        for row in self._rows.values():
            if row.get("error") or not row.get("output_sha256"):
                continue
            source, output = PurePath(row["source"]), PurePath(row["output"])
            if any(path.is_absolute() or ".." in path.parts for path in (source, output)):
                raise RtvcError(f"{self.path}: {source} or {output} lies outside of its folder.")
            yield source, output, row["voice"]

    def begin(self, task: Task) -> None:
        """Note that an output is about to be written, so that the next run may replace it if this one is killed."""
        if task.recorded is None:
            row = self._row(task)
            former = self._rows.get(row["source"], {})
            if former.get("output_sha256"):
                self._finished[row["source"]] = former
            self._append(row)

    def add(self, record: Record) -> None:
        """Note what became of a task. If it failed, the row of the conversion before it stays, beside the error."""
        row = self._row(record.task)
        former = self._rows.get(row["source"])
        if record.digests is not None and record.outcome is not None:
            row |= {
                "source_sha256": record.digests.source,
                "output_sha256": record.digests.output,
                "duration_seconds": record.outcome.duration,
                "elapsed_seconds": record.outcome.elapsed,
                "real_time_factor": record.outcome.real_time_factor,
                "warnings": [_text(sentence) for sentence in record.outcome.warnings],
            }
        else:
            row = self._finished.get(row["source"], former or row)
        row = row | {"error": _text(record.error)}
        if row != former:
            self._append(row)

    def _row(self, task: Task) -> dict[str, Any]:
        source, output = task.source.relative_to(self._folder), task.output.relative_to(self._output)
        return {"source": _text(source), "output": _text(output), **asdict(task.recipe)}

    def _append(self, row: dict[str, Any]) -> None:
        self._rows[row["source"]] = row
        try:
            if self._journal is None:
                make_folder(self.path.parent)
                self._journal = self._journal_path.open("a", encoding="utf-8")
            self._journal.write(json.dumps(row) + "\n")
            self._journal.flush()
        except OSError as error:
            raise RtvcError(f"{self._journal_path}: cannot be written ({error.strerror}).") from None

    def _read(self) -> list[dict[str, Any]]:
        if self.path.is_dir():
            raise RtvcError(f"{self.path}: is a folder; name a file in it, such as {self.path / NAME}.")
        if not self.path.exists():
            return []
        try:
            rows: list[dict[str, Any]] = self._parquet.read_table(self.path).to_pylist()
        except (OSError, self._arrow.ArrowInvalid) as error:
            raise RtvcError(f"{self.path}: is not a Parquet file; name another with --manifest.") from error
        if not all(isinstance(row.get(name), str) for row in rows for name in _TEXTS):
            raise RtvcError(f"{self.path}: is not a manifest of rtvc; name another with --manifest.")
        return rows

    def _merge_journal(self) -> None:
        with suppress(FileNotFoundError), self._journal_path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                with suppress(ValueError, KeyError, TypeError):  # The last line of a killed process may be cut.
                    row = json.loads(line)
                    self._rows[row["source"]] = row


def cluster_module(name: str) -> ModuleType:
    """Import a module of the extra `cluster`; raise `RtvcError` if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RtvcError(
            f"Clusters and manifests need the package {name.partition('.')[0]} ({error}): install rtvc with the "
            "extra `cluster`."
        ) from error


def _text(value: PurePath | str) -> str:
    """Return a text that Parquet can hold: names that are not UTF-8 are escaped."""
    text = value if isinstance(value, str) else value.as_posix()
    return text.encode("utf-8", "backslashreplace").decode()
