"""Plots of the bench, each an SVG element to stand in a page."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspection.training.bench.runs import Outcome
from inspection.training.statistics import GOOD, NO_SCORE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN = 4.2, 3.2
BINS = 40

CURVES = {
    "image_auroc": ("image AUROC", "image_auroc_ci95"),
    "tpr_at_5": ("found at 5 % false rejects", "tpr_at_5_ci95"),
    "escape_rate": ("escapes", "escape_ci95"),
    "overkill_rate": ("good parts that do not pass", "overkill_ci95"),
}
"""What is drawn over the number of good pictures, with its interval."""


def distributions(runs: Sequence[Outcome]) -> str:
    """Scores of good, defective and drawn-in pictures with the limits, a plot for each contender."""
    figure, axes = _figure(len(runs))
    for ax, run in zip(axes, runs, strict=True):
        _histograms(ax, run)
        ax.set_title(f"{run.contender}: scores ({run.n_good} good pictures)")
        ax.set_xlabel("score")
        ax.set_ylabel("pictures")
        ax.legend(fontsize=8)
    return _svg(figure)


def roc_curves(runs: Sequence[Outcome]) -> str:
    """Share of defective pictures found over the share of good ones rejected; the mean over seeds."""
    figure, (ax,) = _figure(1)
    rates = np.linspace(0, 1, 501)
    for name in dict.fromkeys(run.contender for run in runs):
        found = [_found(run, rates) for run in runs if run.contender == name]
        ax.plot(rates, np.mean(found, axis=0), label=name)
    ax.set_title("ROC")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("good pictures rejected")
    ax.set_ylabel("defective pictures found")
    ax.legend(fontsize=8)
    return _svg(figure)


def curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """Figures over the number of good pictures, with their intervals, a line for each contender."""
    shown = {k: v for k, v in CURVES.items() if any(row.get(k) is not None for row in rows)}
    drawn = [row for row in rows if row.get("drawn")]
    figure, axes = _figure(len(shown) + bool(drawn))
    for ax, (name, (title, ends)) in zip(axes, shown.items(), strict=False):
        for model in dict.fromkeys(row["model"] for row in rows):
            line = [r for r in rows if r["model"] == model and r.get(name) is not None]
            if line:
                _banded(ax, model, line, name, ends)
        _over_n(ax, title, rows)
    if drawn:
        for model in dict.fromkeys(row["model"] for row in drawn):
            line = [row for row in drawn if row["model"] == model]
            counts = [row["n_taught"] for row in line]
            axes[-1].plot(
                counts, [r["drawn"]["image_auroc"] for r in line], marker="o", label=model
            )
        _over_n(axes[-1], "AUROC of drawn-in defects", rows)
    return _svg(figure)


def _banded(ax: Axes, label: str, rows: Sequence[Mapping[str, Any]], name: str, ends: str) -> None:
    counts = [row["n_taught"] for row in rows]
    (line,) = ax.plot(counts, [row[name] for row in rows], marker="o", label=label)
    low, high = np.array([row[ends] for row in rows]).T
    ax.fill_between(counts, low, high, color=line.get_color(), alpha=0.15, linewidth=0)


def _over_n(ax: Axes, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    counts = sorted({row["n_taught"] for row in rows})
    ax.set_xscale("log")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.set_title(title)
    ax.set_xlabel("good pictures")
    ax.legend(fontsize=8)


def _histograms(ax: Axes, run: Outcome) -> None:
    good = np.array([kind == GOOD for kind in run.test.kinds])
    groups = {
        "good": run.test.scores[good],
        "defective": run.test.scores[~good],
        "drawn in": run.drawn.scores,
    }
    judged = {name: scores[scores < NO_SCORE] for name, scores in groups.items()}
    every = np.concatenate(list(judged.values()))
    edges = np.linspace(every.min(), np.quantile(every, 0.99), BINS + 1)
    for name, scores in judged.items():
        if scores.size:
            within = np.minimum(scores, edges[-1])  # the last bar also holds what is higher
            ax.hist(within, edges.tolist(), label=name, histtype="stepfilled", alpha=0.5)
    for limit, name, style in zip(run.limits or (), ("PASS", "FAIL"), ("--", "-"), strict=False):
        ax.axvline(limit, color="black", linestyle=style, linewidth=1, label=f"{name} limit")


def _found(run: Outcome, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of defective pictures above all but these shares of the good ones."""
    is_good = np.array([kind == GOOD for kind in run.test.kinds])
    good, bad = np.sort(run.test.scores[is_good])[::-1], np.sort(run.test.scores[~is_good])
    allowed = np.minimum((rates * good.size + 1e-9).astype(int), good.size)
    limits = np.append(good, -np.inf)[allowed]
    return np.asarray(1 - np.searchsorted(bad, limits, side="right") / bad.size)


def _figure(plots: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(plots, 4)
    lines = -(-plots // columns)
    figure = Figure(figsize=(WIDTH_IN * columns, HEIGHT_IN * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for spare in axes[plots:]:
        spare.set_axis_off()
    return figure, axes[:plots]


def _svg(figure: Figure) -> str:
    import matplotlib as mpl

    written = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    return text[text.index("<svg") :]
