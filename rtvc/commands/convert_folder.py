"""`rtvc convert FOLDER`: every recording of a folder, on this machine or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rtvc.audio_file import OUTPUT_SUFFIXES
from rtvc.commands.outcome import conversion_bar, report
from rtvc.commands.terminal import console, errors
from rtvc.errors import RtvcError
from rtvc.files.cluster_conversion import open_cluster
from rtvc.files.folder_conversion import convert_tasks
from rtvc.files.folder_plan import plan_folder, plan_tasks
from rtvc.files.folder_task import FolderJob, Recipe, Record, Task
from rtvc.files.folder_voices import VoiceRule
from rtvc.files.manifest import NAME, Manifest
from rtvc.packs.pack import find_pack
from rtvc.storage import make_folder
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary


@dataclass(frozen=True)
class FolderOptions:
    """What the command line says of a folder.

    Attributes
    ----------
    voice_of
        Which recording gets which voice.
    overwrite, verbose
        Whether outputs may be replaced, and whether to print figures.
    jobs
        Worker processes on this machine; None for one, or one a core for a local cluster.
    cluster
        Address of a Dask scheduler, or `local`; None for none.
    manifest
        The Parquet file to write; None for none, or for the usual place with a cluster.
    worker_memory
        Most MiB that a worker of a local cluster may take; None for an equal share.
    """

    voice_of: VoiceRule
    overwrite: bool
    verbose: bool
    jobs: int | None
    cluster: str | None
    manifest: Path | None
    worker_memory: int | None


def _recordings(count: int) -> str:
    return "1 recording" if count == 1 else f"{count} recordings"


def convert_folder(folder: Path, output: Path, job: FolderJob, options: FolderOptions) -> None:
    """Convert the recordings of a folder, and say what became of each."""
    if output.suffix.lower() in OUTPUT_SUFFIXES and not output.is_dir():
        raise RtvcError(f"{output}: {folder} is a folder, so name a folder for the output too.")
    pack = find_pack(job.pack, job.runtime)
    job.conversion.check(pack)
    library = VoiceLibrary()

    @cache
    def recipe(voice: str) -> Recipe:
        return Recipe.of(voice, library.open(voice), pack, job.conversion)

    with ExitStack() as stack:
        path = options.manifest or (output / NAME if options.cluster else None)
        manifest = stack.enter_context(Manifest(path, folder, output)) if path else None
        plan = plan_folder(folder, output, options.overwrite, manifest)
        tasks = plan_tasks(
            plan, folder, lambda recording: recipe(options.voice_of(recording)), options.overwrite, manifest
        )
        for entry, reason in plan.skipped.items():
            console.print(f"skipped: {entry}: {reason}", markup=False, soft_wrap=True)
        if not tasks and plan.outputs:
            raise RtvcError(
                f"{folder}: nothing was converted, because {len(plan.outputs)} outputs in {output} were made with "
                "another voice, pack or setting; use --force to replace them."
            )
        if not tasks and plan.existing:
            console.print(
                f"{plan.existing} recordings are converted already, in {output}; use --force to replace them.",
                soft_wrap=True,
            )
            return
        if not tasks:
            raise RtvcError(f"{folder}: contains no recordings to convert ({', '.join(AUDIO_SUFFIXES)}).")
        voices = {task.recipe.voice for task in tasks}
        if len(voices) == 1:
            # A voice that cannot be used is one error, not one for each recording.
            library.open(voices.pop()).features(pack)
        make_folder(output)
        bar = stack.enter_context(conversion_bar())
        running = bar.add_task(folder.name, total=len(tasks))
        converted, earlier, failures = 0, 0, []

        def finished(record: Record) -> None:
            nonlocal converted, earlier
            if manifest:
                manifest.add(record)
            if record.error:
                failures.append(record.error)
            elif record.outcome is None:
                earlier += 1
            else:
                converted += 1
                report(record.task.output, record.outcome, options.verbose, bar.console)
            bar.advance(running)

        begun: Callable[[Task], None] = manifest.begin if manifest else lambda task: None
        try:
            if options.cluster:
                cluster = stack.enter_context(open_cluster(options.cluster, options.jobs, options.worker_memory))
                errors.print(f"Dask's dashboard: {cluster.dashboard}", soft_wrap=True)
                cluster.convert_tasks(tasks, job, finished, begun)
            else:
                convert_tasks(tasks, job, options.jobs or 1, finished, begun)
        except (KeyboardInterrupt, SystemExit):
            errors.print(f"Stopped after {converted} of {_recordings(len(tasks))}. Run again to convert the rest.")
            raise
    if earlier:
        console.print(f"Skipped {_recordings(earlier)} converted earlier.")
    if failures:
        raise RtvcError(f"{len(failures)} of {_recordings(len(tasks))} were not converted:\n" + "\n".join(failures))
    console.print(f"Converted {_recordings(converted)} into {output}.", soft_wrap=True)
