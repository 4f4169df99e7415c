"""`rtvc bench`: benchmarks that print tables and write JSON and HTML reports."""

from __future__ import annotations

import typer

from rtvc.commands.bench_fidelity import fidelity
from rtvc.commands.bench_quality import quality, robustness
from rtvc.commands.bench_speed import latency, soak, throughput, transports

app = typer.Typer(no_args_is_help=True, help="Measure latency, speed and quality.")

for command in (latency, throughput, transports, soak, fidelity, quality, robustness):
    app.command()(command)
