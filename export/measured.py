"""Write measured figures into a card: python -m export.measured rtvc/assets/packs/mini quality.json throughput.json.

The reports come from `rtvc bench quality --json` and `rtvc bench throughput --json` on the same pack.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rtvc.errors import RtvcError
from rtvc.packs.card import CARD
from rtvc.packs.pack import ModelPack


def add_measured(pack: ModelPack, reports: list[Path]) -> dict[str, Any]:
    """Write the reports' figures of the pack's default conversion into the card's `measured`; return all it holds.

    Figures of a benchmark that no report is given of stay: they describe the same graphs.

    Raises `RtvcError` if a report comes from another benchmark, another pack or another overdrive.
    """
    measured: dict[str, Any] = dict(pack.card.values.get("measured", {}))
    for path in reports:
        report = json.loads(path.read_text(encoding="utf-8"))
        name = report["benchmark"]
        if report["packs"].get(pack.name, {}).get("digest") != pack.digest:
            raise RtvcError(f"{path}: was made of another pack than {pack.folder}; run the benchmark again.")
        if name == "quality":
            # The digest does not cover the card, and the overdrive changes every conversion.
            if report["packs"][pack.name].get("overdrive") != pack.defaults.overdrive:
                raise RtvcError(f"{path}: was made with another overdrive than the card's; run the benchmark again.")
            measured["quality"] = _quality(
                report["results"], f"{pack.name} mkl, K = {pack.defaults.block_size}", path
            )
        elif name == "throughput":
            measured["real_time_factor_step_1_thread_1"] = round(report["results"]["real_time_factor"], 3)
        else:
            raise RtvcError(f"{path}: holds no figures for a card; give reports of quality and throughput.")
    where = pack.folder / CARD
    card = json.loads(where.read_text(encoding="utf-8"))
    where.write_text(json.dumps({**card, "measured": measured}, indent=2) + "\n", encoding="utf-8")
    return measured


def _quality(results: dict[str, Any], system: str, path: Path) -> dict[str, Any]:
    for line in results["systems"]:
        if line["system"] == system:
            seconds = line["reference_seconds"]
            means = {name: round(value["mean"], 3) for name, value in line.items() if isinstance(value, dict)}
            # This one includes opening the models, for each short file; speed is the throughput benchmark's figure.
            means.pop("real_time_factor", None)
            pairs = line["similarity_to_target"]["count"]
            return {"system": system, "reference_seconds": seconds, "pairs": pairs, **means}
    raise RtvcError(f"{path}: has no figures of {system}; run the benchmark with the pack's default K.")


def main() -> None:
    """Read the command line and write the card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("reports", type=Path, nargs="+")
    arguments = parser.parse_args()
    print(json.dumps(add_measured(ModelPack(arguments.pack), arguments.reports), indent=2))


if __name__ == "__main__":
    main()
