"""`rtvc bench server`: delay, capacity and leaks of `rtvc serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from rtvc.commands.options import PackName
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.commands.terminal import errors
from rtvc.errors import RtvcError
from rtvc.packs.pack import find_pack
from rtvc.remote.opening import check_installed


def server(
    pack: PackName = "mini",
    clicks: Annotated[
        int, typer.Option(min=0, help="Clicks per network condition, one every two seconds; 0 to skip the delay.")
    ] = 15,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Network condition, such as '5 % loss'. Repeatable. Default: all."),
    ] = None,
    calm: Annotated[
        float, typer.Option(min=0.0, help="Seconds of good network after a bad one, to see the delay return.")
    ] = 60.0,
    sessions: Annotated[int, typer.Option(min=0, max=64, help="Most sessions at once; 0 to skip the capacity.")] = 8,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long each number of sessions is held.")] = 8.0,
    visits: Annotated[
        int,
        typer.Option(min=0, help="Sessions that come and go while memory and sockets are watched; 0 to skip."),
    ] = 30,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure a server over loopback: the delay by its parts, lost packets and jitter, capacity, leaks."""
    check_installed()
    from rtvc.remote.benchmark import server_report
    from rtvc.remote.impairment import IMPAIRMENTS

    check_reports(json, html, force)
    conditions = {condition.name: condition for condition in IMPAIRMENTS}
    if unknown := [name for name in network or () if name not in conditions]:
        raise RtvcError(f"Unknown network condition {unknown[0]!r}. Available: {', '.join(conditions)}.")
    report = server_report(
        find_pack(pack),
        clicks,
        [conditions[name] for name in network or conditions],
        calm,
        sessions,
        seconds,
        visits,
        lambda line: errors.print(line, soft_wrap=True),
    )
    write_report(report, json, html)
