"""Plans the conversion of a folder: which recordings, where their results go, and what is finished already.

Everything runs on the calling thread; nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from rtvc.audio_file import OUTPUT_SUFFIXES, is_file
from rtvc.errors import RtvcError
from rtvc.files.folder_task import Recipe, Task
from rtvc.files.manifest import Manifest
from rtvc.voices.library import AUDIO_SUFFIXES


@dataclass(frozen=True)
class FolderPlan:
    """What is to be converted.

    Attributes
    ----------
    outputs
        The output of each recording.
    skipped
        The reason for each entry of the folder that is not converted.
    existing
        How many of these are recordings whose output exists.
    """

    outputs: dict[Path, Path]
    skipped: dict[Path, str]
    existing: int


def plan_folder(folder: Path, output: Path, overwrite: bool = False, manifest: Manifest | None = None) -> FolderPlan:
    """Find the recordings below a folder and where their conversions go.

    Outputs that exist are skipped without `overwrite`, save those that the manifest knows: `plan_tasks` judges them.

    Links to folders are not followed, so a loop of links ends. The output folder may lie in the source folder; what
    is in it is no source.

    Raises
    ------
    RtvcError
        If source and output are the same folder, if two recordings would become the same file, or if an output
        would replace a recording of the folder.
    """
    root, place = os.path.realpath(folder), os.path.realpath(output)
    if place == root:
        raise RtvcError(f"{output}: is the folder of the recordings themselves; name another for the output.")
    sources: dict[Path, Path] = {}
    skipped: dict[Path, str] = {}

    def unreadable(error: OSError) -> None:
        skipped[Path(error.filename)] = f"the folder cannot be read ({error.strerror})"

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        here = Path(parent)
        for name in sorted(folders):
            if (here / name).is_symlink():
                skipped[here / name] = "a link to a folder"
        folders[:] = sorted(name for name in folders if os.path.realpath(here / name) != place)
        for path in (here / name for name in sorted(names)):
            target = _output_path(path, folder, output)
            if path.suffix.lower() not in AUDIO_SUFFIXES:
                skipped[path] = "not an audio file by its name"
            elif not is_file(path):
                skipped[path] = "a broken link, or not a regular file"
            elif target in sources:
                raise RtvcError(f"{sources[target]} and {path} would both become {target}: rename one of them.")
            else:
                sources[target] = path
    existing = 0
    originals = {os.path.realpath(path) for path in sources.values()}
    for target, path in sources.items():
        if os.path.realpath(target) in originals:
            raise RtvcError(f"{target} would replace a recording of {folder}: name another folder for the output.")
        if os.path.lexists(target) and not overwrite and not (manifest and manifest.knows(path.relative_to(folder))):
            skipped[path] = f"{target} exists; use --force to replace it"
            existing += 1
    return FolderPlan({path: target for target, path in sources.items() if path not in skipped}, skipped, existing)


def plan_tasks(
    plan: FolderPlan,
    folder: Path,
    recipe_of: Callable[[PurePath], Recipe],
    overwrite: bool = False,
    manifest: Manifest | None = None,
) -> list[Task]:
    """Return a task for each recording of a plan; what may not be replaced is added to the plan's `skipped`.

    An output of the manifest is left to its task if it was made by the same recipe, replaced if its conversion was
    interrupted, and skipped otherwise.

    Parameters
    ----------
    plan, folder
        The recordings, and the folder they lie in.
    recipe_of
        Returns the recipe for the path of a recording below the folder.
    overwrite
        Whether outputs that exist may be replaced.
    manifest
        What earlier runs did.
    """
    tasks = []
    for source, output in plan.outputs.items():
        recipe = recipe_of(source.relative_to(folder))
        earlier = manifest and manifest.earlier(source.relative_to(folder))
        if overwrite or not earlier or not os.path.lexists(output):
            tasks.append(Task(source, output, recipe, overwrite))
        elif earlier.digests is None:
            tasks.append(Task(source, output, recipe, overwrite=True))
        elif earlier.recipe == recipe:
            tasks.append(Task(source, output, recipe, recorded=earlier.digests))
        else:
            plan.skipped[source] = f"{output} was made with another voice, pack or setting; use --force to replace it"
    return tasks


def _output_path(path: Path, folder: Path, output: Path) -> Path:
    target = output / path.relative_to(folder)
    return target if target.suffix.lower() in OUTPUT_SUFFIXES else target.with_suffix(".wav")
