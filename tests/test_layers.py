"""The layers of `rtvc`: nothing imports upwards, and nothing needs PyTorch or Qt."""

import ast
from pathlib import Path

import pytest

import rtvc

ROOT = Path(rtvc.__file__).parent
LAYERS = (
    ("cli",),
    ("commands",),
    ("remote",),
    ("app", "streaming_converter"),
    ("interface",),
    ("benchmark",),
    ("files",),
    ("live",),
    ("chain",),
    ("settings", "voices"),
    ("transport",),
    ("packs",),
    ("features", "audio_file", "devices"),
    ("dsp", "storage", "arrays", "names"),
    ("errors", "signals"),
)
"""From top to bottom. A module imports lower layers only."""

BELOW_APP = tuple(name for layer in LAYERS[6:] for name in layer)


def imported(path: Path) -> set[str]:
    """Return the full names that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def importers(module: str, *prefixes: str) -> list[str]:
    """Return what a module of `rtvc`, or the files of a folder, import from modules of these prefixes."""
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted([*(ROOT / module).rglob("*.py"), *ROOT.glob(f"{module}.py")])
        for name in sorted(imported(path))
        if name.startswith(prefixes)
    ]


def test_only_the_command_line_knows_a_terminal_and_only_the_panel_knows_qt() -> None:
    assert importers("", "PyQt6", "torch", "gui.") == []
    for name in (*BELOW_APP, "app", "remote"):
        assert importers(name, "typer", "rich", "rtvc.commands", "rtvc.cli") == []


@pytest.mark.parametrize("level", range(len(LAYERS)))
def test_a_layer_imports_lower_layers_only(level: int) -> None:
    upper = {name for layer in LAYERS[: level + 1] for name in layer}
    for name in LAYERS[level]:
        assert importers(name, *(f"rtvc.{other}" for other in upper - {name})) == []


def test_every_module_and_folder_has_its_layer() -> None:
    found = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert found - {"__init__"} == {name for layer in LAYERS for name in layer}


def test_the_live_engine_does_not_import_file_conversion() -> None:
    assert [name for name in importers("live", "rtvc.files") if "conversion" in name] == []
