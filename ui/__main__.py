"""The page's own process: `python -m ui STATION.toml`; `inspection ui` starts and watches it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

# Before gradio is imported: it would call out otherwise.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    allow: Annotated[
        list[str] | None, typer.Option(help="Host name people type in the browser; repeatable.")
    ] = None,
) -> None:
    """Serve the station page until stopped."""
    from inspection.errors import expected
    from ui.app.serve import serve

    try:
        serve(station, host=host, port=port, hosts=tuple(allow or ()))
    except Exception as error:
        if not expected(error):
            raise
        print(f"inspection ui: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    app()
