import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from rtvc.errors import RtvcError
from rtvc.packs import catalogue
from rtvc.packs.card import ENCODER
from rtvc.packs.catalogue import KnownPack, fetch, known_pack, remove, take, verify
from rtvc.packs.download import RemoteFile
from rtvc.packs.pack import installed_packs
from tests.support.packs import identity_pack

CONTENT = {"encoder.pt": b"encoder" * 100, "vocoder.pt": b"vocoder" * 100}


def remote(name: str, folder: Path) -> RemoteFile:
    content = CONTENT[name]
    return RemoteFile(name, (folder / name).as_uri(), len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def published(tmp_path: Path) -> KnownPack:
    folder = tmp_path / "published"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return KnownPack("test", "", "", "", remote("encoder.pt", folder), remote("vocoder.pt", folder))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_files_of_the_user_are_taken_where_they_are(published: KnownPack, tmp_path: Path) -> None:
    paths, warnings = take(published.files, tmp_path / "published")
    assert paths == {file: tmp_path / "published" / file.name for file in published.files}
    assert warnings == []


def test_another_file_is_taken_only_unverified(published: KnownPack, tmp_path: Path) -> None:
    (tmp_path / "published" / "vocoder.pt").write_bytes(CONTENT["vocoder.pt"][::-1])
    with pytest.raises(RtvcError, match=r"not the published vocoder\.pt .* --unverified"):
        take(published.files, tmp_path / "published")
    paths, warnings = take(published.files, tmp_path / "published", unverified=True)
    assert paths[published.vocoder] == tmp_path / "published" / "vocoder.pt"
    assert len(warnings) == 1


def test_a_missing_file_is_named(published: KnownPack, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match=r"has no encoder\.pt.*downloaded"):
        take(published.files, tmp_path)


def test_an_unknown_pack_is_refused() -> None:
    assert known_pack("wavlm-large").encoder.name == "WavLM-Large.pt"
    with pytest.raises(RtvcError, match="choose one of wavlm-large"):
        known_pack("../../etc")


def test_fetch_says_where_the_files_are(
    published: KnownPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(file: RemoteFile, folder: Path, progress: object) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(folder / file.name)

    monkeypatch.setattr(catalogue, "download", copy)
    paths = fetch(published.files)
    assert {path.parent for path in paths.values()} == {tmp_path / "cache" / "rtvc" / "checkpoints"}
    assert fetch(published.files, tmp_path / "there")[published.encoder] == tmp_path / "there" / "encoder.pt"


def test_an_installed_pack_is_verified_and_removed(tmp_path: Path) -> None:
    identity_pack(installed_packs() / "identity")
    assert verify("identity").name == "identity"
    graph = installed_packs() / "identity" / ENCODER
    graph.write_bytes(graph.read_bytes() + b"!")
    with pytest.raises(RtvcError, match="digest"):
        verify("identity")
    remove("identity")
    assert not (installed_packs() / "identity").exists()
    for command in (verify, remove):
        with pytest.raises(RtvcError, match="No installed pack is called 'identity'"):
            command("identity")
        with pytest.raises(RtvcError, match="No installed pack"):
            command("..")
        with pytest.raises(RtvcError, match="'mini' came with the program"):
            command("mini")


def test_removing_a_link_leaves_the_pack_behind_it(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "elsewhere")
    installed_packs().mkdir(parents=True)
    (installed_packs() / "linked").symlink_to(pack.folder)
    remove("linked")
    assert list(installed_packs().iterdir()) == []
    assert (pack.folder / ENCODER).is_file()


def test_removing_takes_the_fetched_files_too(published: KnownPack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.KNOWN, "test", replace(published))
    catalogue.downloads().mkdir(parents=True)
    for name in ("encoder.pt", "vocoder.pt.part", "other.pt"):
        (catalogue.downloads() / name).touch()
    remove("test")
    assert [path.name for path in catalogue.downloads().iterdir()] == ["other.pt"]
