"""The frame of all commands: help, version, program name, suggestions, and what `live` shows."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rtvc.chain.voice_chain import algorithmic_latency
from rtvc.cli import app
from rtvc.commands.live_display import status_line
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.packs.pack import find_pack
from rtvc.settings import Settings
from tests.support.simulation import Simulation

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
PATHS = [
    (),
    *((name,) for name in COMMANDS),
    *((name, inner) for name, command in COMMANDS.items() for inner in getattr(command, "commands", ())),
]


def run(*arguments: str, width: int = 100) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), prog_name="rtvc", env={"COLUMNS": str(width)})
    return result.exit_code, result.output


def test_the_program_loads_only_what_every_command_needs() -> None:
    """Each of these costs every command, live ones too, memory and a part of a second."""
    some_commands_need = {"scipy", "matplotlib", "sounddevice", "pooch", "dask", "distributed", "pyarrow", "aiortc"}
    program = f"import sys, rtvc.cli; print({some_commands_need} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


@pytest.mark.parametrize("path", PATHS, ids="-".join)
@pytest.mark.parametrize("width", [80, 100])
def test_every_command_has_help_that_fits_and_names_no_type(path: tuple[str, ...], width: int) -> None:
    code, said = run(*path, "-h", width=width)
    assert code == 0
    assert f"Usage: {' '.join(('rtvc', *path))}" in said
    assert max(len(line) for line in said.splitlines()) <= width
    for noise in ("<bool>", "<str>", "<int", "<float", "<path>", "list["):
        assert noise not in said.lower()


@pytest.mark.parametrize("path", [(), ("voices",), ("models",), ("bench",)], ids=str)
def test_a_group_without_a_command_shows_its_help(path: tuple[str, ...]) -> None:
    code, said = run(*path)
    assert code == 0
    assert "Commands" in said
    assert said == run(*path, "--help")[1]


def test_common_options_come_before_those_for_experts() -> None:
    for command in ("live", "convert"):
        said = run(command, "-h")[1]
        common, experts = said.split("Experts")
        assert "--voice" in common
        assert "--pitch" in common
        assert "--block-size" in experts
        assert "--threads" in experts


def test_the_version_is_the_package_s() -> None:
    assert run("--version") == (0, f"rtvc {version('rtvc')}\n")


def test_the_program_is_called_rtvc_however_it_is_started() -> None:
    said = subprocess.run([sys.executable, "-m", "rtvc.cli", "lvie"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("rtvc: No such command 'lvie'. Did you mean 'live'")
    assert "`rtvc --help`" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("live", "--voice", "Wilow", "--input", "a.wav", "--output-file", "b.wav"), "Willow"),
        (("live", "--voice", "Willow", "--transport", "sinkhron"), "sinkhorn"),
        (("live", "--voice", "Willow", "--pack", "minni"), "mini"),
        (("models", "fetch", "wavlm-lrage"), "wavlm-large"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(arguments: tuple[str, ...], meant: str) -> None:
    result = CliRunner().invoke(app, list(arguments))
    assert f"Did you mean {meant}?" in str(result.exception)


@pytest.mark.parametrize("width", [10, 40, 80, 200])
@pytest.mark.parametrize("fit", [None, 0.5])
def test_the_status_line_fits_any_width(width: int, fit: float | None) -> None:
    snapshot = Snapshot(
        State.RUNNING,
        latency=Latency(0.02, 0.0375, 0.003, 0.02, 0.03),
        underruns=12,
        dropped_frames=3,
        fit_progress=fit,
    )
    line = status_line(snapshot, Settings(), width).plain
    assert len(line) <= width
    assert line.startswith("running")
    assert ("delay" in line) == (width >= 80)


def test_the_algorithmic_latency_is_that_of_the_live_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = find_pack("mini")
    live = Simulation(monkeypatch, pack, np.zeros(960, np.float32), Settings()).pipeline
    assert algorithmic_latency(pack) == live.latency
    assert "37.5 ms" in run("models", "list")[1]


def test_what_a_library_prints_on_standard_error_is_discarded_and_our_words_stay() -> None:
    script = (
        "import os, sys\n"
        "from rtvc.commands.terminal import library_noise_discarded, warn\n"
        "with library_noise_discarded():\n"
        "    os.write(2, b'ALSA lib pcm.c: underrun occurred\\n')\n"
        "    warn('the microphone is gone')\n"
        "os.write(2, b'after\\n')\n"
    )
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ, cwd=Path.cwd())
    assert said.stderr == "warning: the microphone is gone\nafter\n"


def test_the_demo_says_what_to_do_next_and_figures_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.commands.demo.conversion_picture", lambda *arguments: None)
    plain, verbose = (run("demo", "-o", str(tmp_path), *extra)[1] for extra in ((), ("-v",)))
    assert "rtvc live --voice Alder" in plain
    assert "real-time factor" not in plain
    assert "real-time factor" in verbose
    assert "37.5 ms" in verbose
