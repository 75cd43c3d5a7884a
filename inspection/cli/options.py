"""What several commands share: options, and how a command ends with one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


HostOption = Annotated[
    str, typer.Option(help="Address to listen on; others than this machine must sign in.")
]


PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port of the station page.")]


AllowOption = Annotated[
    list[str] | None,
    typer.Option(help="Host name people type in the browser to reach the page; repeatable."),
]


CertOption = Annotated[
    Path | None, typer.Option(help="Certificate (PEM) to serve the page over TLS.")
]


KeyOption = Annotated[
    Path | None, typer.Option(help="Key of the certificate; default: in the certificate's file.")
]


ProxyOption = Annotated[
    bool, typer.Option("--proxy", help="A proxy on this machine serves TLS; everybody signs in.")
]


InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Serve beyond this machine without TLS.")
]


RecipeArgument = Annotated[Path, typer.Argument(help="Recipe file made by `inspection train`.")]


DeviceOption = Annotated[
    str, typer.Option(help="auto, cpu, cuda (teaches) or gpu (judges): see the manual.")
]


FalseRejectOption = Annotated[
    float, typer.Option(help="Largest share of good parts that may be rejected, such as 0.01.")
]


ReviewOption = Annotated[
    float, typer.Option(help="Largest share of good parts that may need a look, such as 0.05.")
]


DatasetArgument = Annotated[
    Path, typer.Argument(help="Folder of good pictures, or the MVTec layout (train/good, …).")
]


BackboneOption = Annotated[str, typer.Option(help="timm network.")]


SetupOption = Annotated[
    Path | None, typer.Option(help="TOML file with scale, alignment, regions and zones.")
]


def must_be_shares(**shares: float) -> None:
    """Raise BadParameter for an option, named as its parameter, that is no share between 0 and 1."""
    for name, share in shares.items():
        if not 0 < share < 1:
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"must be between 0 and 1, got {share}", param_hint=option)


def one_line(text: object) -> str:
    """A text others chose, a file's name say, as it can stand within one line of ours."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(text))


def fail(line: str) -> NoReturn:
    """End the command with one line on standard error and exit code 1."""
    typer.echo(f"inspection: {one_line(line)}", err=True)
    sys.exit(1)
