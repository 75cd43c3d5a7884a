"""The command line. [contract]

Exit codes: 0 done, or all PASS; 3 done, some parts not PASS; 1 error, one line on stderr; 2 usage.
Heavy imports happen in the command that needs them: `inspection --help` loads none.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from inspection.cli import (
    adapt,
    backups,
    bench,
    combine,
    explain,
    lists,
    monitor,
    recipes,
    records,
    reports,
    stations,
)
from inspection.cli.options import fail

PRIVATE = 0o027
"""What others may not do with records, pictures and recipes: nothing; the group may read."""
INTERRUPTED = 130  # Typer's code for Ctrl-C


app = typer.Typer(
    name="inspection",
    help="Visual inspection: learn from good parts, judge each part, with a promise.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (
    *recipes.COMMANDS,
    *adapt.COMMANDS,
    *combine.COMMANDS,
    *explain.COMMANDS,
    *bench.COMMANDS,
    *stations.COMMANDS,
    *backups.COMMANDS,
    *monitor.COMMANDS,
    *reports.COMMANDS,
):
    app.command(command.__name__.strip("_"))(command)
for what, rows in lists.LISTS.items():
    app.command(what)(lists.command_for(what, rows))
app.add_typer(records.app, name="records")


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"inspection {version('inspection')}")
        raise typer.Exit


@app.callback()
def common(
    _: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_tell_version, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Visual inspection: learn from good parts, judge each part, with a promise."""


def main() -> NoReturn:
    """Run the command line; every error becomes one line and exit code 1."""
    os.umask(os.umask(PRIVATE) | PRIVATE)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what is wrong with a picture, we say
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        fail("stopped by Ctrl-C; what was not finished was not written")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # the command line is where every error ends
        if hasattr(error, "show"):  # a usage error of Typer's, wherever it keeps the class
            error.show()
            sys.exit(2)
        if os.environ.get("INSPECTION_DEBUG"):
            raise
        fail(_one_line(error))
    if code == INTERRUPTED:
        fail("stopped by Ctrl-C; what was not finished was not written")
    sys.exit(code or 0)


def _one_line(error: Exception) -> str:
    from inspection.errors import expected

    text = " ".join(str(error).split()) or type(error).__name__
    if expected(error):
        return text
    return f"unexpected {type(error).__name__}: {text} (INSPECTION_DEBUG=1 shows where)"
