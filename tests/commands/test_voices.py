from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner, Result

from rtvc.cli import app
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from tests.support.packs import identity_pack
from tests.support.sounds import babble


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPack:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return identity_pack(tmp_path / "pack")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["voices", *words], terminal_width=200)


def test_a_voice_is_shared_renamed_and_copied(pack: ModelPack, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", babble(2, 16_000), 16_000)
    added = run("add", "Ann", "a.wav", "--pack", str(pack.folder), "--credit", "Ann, CC BY 4.0")
    assert added.exit_code == 0, added.output
    for words, said in (
        (("rename", "Ann", "Anna"), "Ann: renamed to Anna"),
        (("export", "Anna"), "Anna: exported to Anna.rtvcvoice"),
        (("import", "Anna.rtvcvoice", "--name", "Bea", "--pack", str(pack.folder)), "Bea: 2.0 s of speech"),
        (("duplicate", "Bea", "Cleo"), "Bea: copied to Cleo"),
        (("show", "Cleo", "--pack", str(pack.folder)), "Ann, CC BY 4.0"),
    ):
        result = run(*words)
        assert result.exit_code == 0, result.output
        assert said in result.output
    again = run("export", "Anna")
    assert isinstance(again.exception, RtvcError)
    assert "exists already" in str(again.exception)
