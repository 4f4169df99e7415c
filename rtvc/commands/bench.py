"""`rtvc bench`: benchmarks that print tables and write JSON and HTML reports."""

from __future__ import annotations

from rtvc.commands.bench_anonymity import anonymity
from rtvc.commands.bench_cluster import cluster
from rtvc.commands.bench_fidelity import fidelity
from rtvc.commands.bench_quality import quality, robustness
from rtvc.commands.bench_server import server
from rtvc.commands.bench_speed import bandwidth, gate, latency, soak, throughput, transports
from rtvc.commands.program import Program

app = Program("Measure latency, speed and quality.")

SPEED = (latency, throughput, transports, soak, gate, bandwidth, server, cluster)
QUALITY = (fidelity, quality, robustness, anonymity)

for command in SPEED + QUALITY:
    app.command()(command)
