"""The layers of the house: nothing imports what stands above it, and `rtvc` needs neither PyTorch nor Qt."""

import ast
from pathlib import Path

import pytest

import rtvc

ROOT = Path(rtvc.__file__).parent
BELOW_APP = ("dsp", "devices", "packs", "transport", "voices", "chain", "files", "live")


def imported(path: Path) -> set[str]:
    """Return the full names that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def importers(folder: str, *prefixes: str) -> list[str]:
    """Return what files of a folder of `rtvc` import from modules of these prefixes."""
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in sorted(imported(path))
        if name.startswith(prefixes)
    ]


def test_only_the_command_line_knows_a_terminal_and_only_the_panel_knows_qt() -> None:
    assert importers("", "PyQt6", "torch", "gui.") == []
    for folder in (*BELOW_APP, "app"):
        assert importers(folder, "typer", "rich", "rtvc.commands", "rtvc.cli") == []


@pytest.mark.parametrize("folder", BELOW_APP)
def test_nothing_below_the_application_layer_imports_it(folder: str) -> None:
    assert importers(folder, "rtvc.app", "rtvc.benchmark") == []


def test_devices_and_signal_processing_stand_at_the_bottom() -> None:
    above = tuple(f"rtvc.{name}" for name in ("packs", "transport", "voices", "chain", "files", "live", "settings"))
    assert importers("devices", *above) == []
    assert importers("dsp", *above, "rtvc.devices") == []


def test_the_live_engine_does_not_import_file_conversion() -> None:
    assert [name for name in importers("live", "rtvc.files") if "conversion" in name] == []
