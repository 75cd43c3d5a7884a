"""The bench as one HTML file with its plots in it: nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from typing import Any

from inspection.training.bench.comparison import Comparison
from inspection.training.bench.plots import curves, distributions, roc_curves
from inspection.training.bench.runs import Failure, Outcome
from inspection.training.bench.tables import tables

Row = Mapping[str, Any]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
table { border-collapse: collapse; font-size: 13px; margin: .5rem 0 1.5rem; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left; }
th { border-bottom: 2px solid #888; }
.wide { overflow-x: auto; }
svg { max-width: 100%; height: auto; }
.failed { color: #a00; }
"""


def page(
    compared: Comparison,
    outcomes: Sequence[Outcome],
    failures: Sequence[Failure],
    *,
    about: str,
) -> str:
    """The whole page; `about` says what was asked."""
    made = f"inspection {version('inspection')}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    parts = [f"<p>{escape(about)}</p><p>{escape(made)}. Intervals are of 95 %.</p>"]
    parts += [
        f'<p class="failed">{escape(each.contender)} failed on {escape(each.dataset)} with '
        f"{each.n_good} good pictures, seed {each.seed}: {escape(each.error)}</p>"
        for each in failures
    ]
    shown = tables(compared, every_count=True)
    parts += [_section(title, text) for title, text in shown[: 3 if compared.ranked else 1]]
    for dataset in dict.fromkeys(run.dataset for run in outcomes):
        parts.append(
            _plots(dataset, compared.rows, [run for run in outcomes if run.dataset == dataset])
        )
    parts += [_section(title, text) for title, text in shown[3 if compared.ranked else 1 :]]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Benchmark</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>Benchmark</h1>\n{chr(10).join(parts)}\n</body></html>\n"
    )


def _plots(dataset: str, rows: Sequence[Row], runs: Sequence[Outcome]) -> str:
    most = max(run.n_good for run in runs)
    full = [run for run in runs if run.n_good == most]
    first = [run for run in full if run.seed == full[0].seed]
    of_dataset = [row for row in rows if row["dataset"] == dataset]
    plots = [distributions(first), roc_curves(full)]
    if len({row["n_taught"] for row in of_dataset}) > 1:
        plots.append(curves(of_dataset))
    return f"<h2>{escape(dataset)}</h2>\n" + "\n".join(plots)


def _section(title: str, markdown: str) -> str:
    """A table of Markdown as one of HTML."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines()]
    head = "".join(f"<th>{escape(cell)}</th>" for cell in lines[0])
    body = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines[2:]
    )
    return (
        f'<h2>{escape(title)}</h2>\n<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )
