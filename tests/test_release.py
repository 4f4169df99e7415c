"""What packaging/release.py puts into the files that people download."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

RELEASE = Path(__file__).parent.parent / "packaging" / "release.py"


@pytest.fixture
def release() -> ModuleType:
    specification = importlib.util.spec_from_file_location("release", RELEASE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_the_zip_for_macos_holds_the_app_its_links_the_licences_and_the_documentation(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, resources = tmp_path / "bundles" / "rtvc", tmp_path / "bundles" / "rtvc.app" / "Contents" / "Resources"
    pages = ("LICENSE.txt", "LICENCES.txt", "documentation/README.md", "documentation/docs/server.md")
    for path in (*(folder / page for page in pages), folder / "rtvc", resources / "rtvc" / "card.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (resources.parent / "Frameworks").symlink_to("Resources")
    ran: list[tuple[str | Path, ...]] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(release, "run", lambda *command: ran.append(command))
    monkeypatch.setattr(release, "BUILD", tmp_path / "build")
    monkeypatch.setattr(release, "DIST", tmp_path / "dist")
    release.packed(folder, "rtvc-1-darwin-arm64")
    together = tmp_path / "build" / "rtvc-1-darwin-arm64"
    assert ran == [("ditto", "-c", "-k", "--keepParent", together, tmp_path / "dist" / "rtvc-1-darwin-arm64.zip")]
    assert {path.name for path in together.iterdir()} == {"rtvc.app", "LICENSE.txt", "LICENCES.txt", "documentation"}
    assert all((together / page).exists() for page in pages)
    assert (together / "rtvc.app" / "Contents" / "Frameworks").is_symlink()
