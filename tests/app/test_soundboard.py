from pathlib import Path

import pytest

from rtvc.app.soundboard import MOST_CLIPS, find_clips
from rtvc.errors import RtvcError


def test_the_clips_of_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.WAV", "a.ogg", "notes.txt", *(f"c{number}.flac" for number in range(9))):
        (tmp_path / name).touch()
    found = find_clips(tmp_path)
    assert [path.name for path in found[:3]] == ["a.ogg", "b.WAV", "c0.flac"]
    assert len(found) == MOST_CLIPS


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match="contains no clips"):
        find_clips(tmp_path)
    with pytest.raises(RtvcError, match="cannot be read"):
        find_clips(tmp_path / "missing")
