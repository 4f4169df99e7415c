"""`rtvc serve`: the voice changer for other computers and for browsers."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rtvc.app.models import open_pack
from rtvc.commands.live import interrupted
from rtvc.commands.options import PackName
from rtvc.commands.terminal import console
from rtvc.packs.runtime import cores
from rtvc.remote.opening import check_installed

WATCH_SECONDS = 0.2


def serve(
    listen: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="Where to listen. 0.0.0.0:8788 accepts connections from the whole network."
        ),
    ] = "127.0.0.1:8788",
    sessions: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Most sessions at once, one process each. Default: one per core."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients must send; created if missing. Copy it to the client."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM file with certificate and key; if it is missing, a self-signed one is created."),
    ] = None,
    pack: PackName = "mini",
) -> None:
    """Run the voice changer for other computers and for browsers, until Ctrl-C."""
    check_installed()
    import asyncio

    from rtvc.remote.access import Access, Listen, make_access, make_certificate, server_certificate
    from rtvc.remote.server import serving
    from rtvc.remote.workers import Workers

    place = Listen.parse(listen)
    models = open_pack(pack)
    tls, fingerprint = None, ""
    if certificate is not None:
        if not certificate.exists():
            make_certificate(certificate, place.host)
        tls, fingerprint = server_certificate(certificate)
    access = Access() if token_file is None else make_access(token_file, fingerprint)
    workers = Workers(sessions or cores(), str(models.folder), place.addresses)

    async def run() -> None:
        with ExitStack() as stack:
            stop = stack.enter_context(interrupted())
            async with serving(workers, access, place, tls) as url:
                rows = [("Server", url), ("Sessions", str(workers.free)), ("Model pack", models.name)]
                if token_file is not None:
                    rows.append(("Token file", str(token_file)))
                if fingerprint:
                    rows.append(("Fingerprint", fingerprint))
                for label, text in rows:
                    console.print(f"{label:19}{text}", soft_wrap=True)
                console.print("Ctrl-C stops.", soft_wrap=True)
                while not stop.is_set():
                    await asyncio.sleep(WATCH_SECONDS)

    asyncio.run(run())
