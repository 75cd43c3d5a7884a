"""The page's own process: `python -m ui STATION.toml`; `inspection ui` starts and watches it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

# Before gradio is imported: it would call out otherwise.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")

import typer

from inspection.cli.options import (
    AllowOption,
    CertOption,
    HostOption,
    InsecureOption,
    KeyOption,
    PortOption,
    ProxyOption,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    host: HostOption = "127.0.0.1",
    port: PortOption = 7860,
    allow: AllowOption = None,
    cert: CertOption = None,
    key: KeyOption = None,
    proxy: ProxyOption = False,
    insecure: InsecureOption = False,
) -> None:
    """Serve the station page until stopped."""
    from inspection import program_log
    from inspection.descriptors import raise_limit
    from inspection.errors import expected
    from inspection.page_address import PageAddress
    from inspection.station.station_file import read_station

    program_log.install()
    raise_limit()
    try:
        settings = read_station(station)
        cache = settings.page_folder / "gradio"
        shutil.rmtree(cache, ignore_errors=True)
        os.environ["GRADIO_TEMP_DIR"] = str(
            cache
        )  # before it is imported; not where others may look
        address = PageAddress(
            host=host,
            port=port,
            names=tuple(allow or ()),
            cert=cert,
            key=key,
            proxy=proxy,
            insecure=insecure,
        )
        from ui.app.serve import serve

        serve(station, address)
    except Exception as error:
        if not expected(error):
            raise
        print(f"inspection ui: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    app()
