"""The rows of the bench as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspection.training.bench.comparison import Comparison
from inspection.training.bench.runs import Failure

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]


def tables(
    compared: Comparison, failures: Sequence[Failure] = (), *, every_count: bool = False
) -> list[tuple[str, str]]:
    """Every table that has something to say, with its title.

    Kinds and lengths are shown for the most good pictures, or for every number of them.
    """
    rows = compared.rows
    most = {
        row["dataset"]: max(r["n_taught"] for r in rows if r["dataset"] == row["dataset"])
        for row in rows
    }
    full = [row for row in rows if every_count or row["n_taught"] == most[row["dataset"]]]
    several = len(most) > 1
    made = [
        ("Leaderboard", table(rows, LEADERBOARD)),
        ("Mean ranks over the datasets", table(compared.ranked, RANKED)),
        ("Chosen by the other datasets", table(compared.left_out, CHOSEN)),
        ("Differences on the same pictures", table([r for r in rows if "minus" in r], DIFFERENCES)),
        ("Mean differences over the datasets", table(compared.pooled if several else [], POOLED)),
        ("Kinds of defects", table(_groups(full, "per_defect"), GROUPS)),
        (
            "Lengths of defects, as shares of the picture's",
            table(_groups(full, "per_size"), GROUPS),
        ),
        ("Drawn-in defects, by kind", table(_groups(full, "drawn", "by_kind"), GROUPS)),
        ("Drawn-in defects, by length", table(_groups(full, "drawn", "by_length"), GROUPS)),
        ("What failed", table([each.as_json() for each in failures], FAILED)),
    ]
    return [(title, text) for title, text in made if text]


def table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """The rows as a Markdown table; columns that say nothing are left out, and none is no table."""
    cells = [[show(row) for _, show in columns] for row in rows]
    kept = [i for i in range(len(columns)) if any(line[i] != UNKNOWN for line in cells)]
    if not kept:
        return ""
    lines = [[columns[i][0] for i in kept], ["---"] * len(kept)]
    lines += [[line[i] for i in kept] for line in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


UNKNOWN = "–"


def _groups(rows: Sequence[Row], *path: str) -> list[Row]:
    """Rows of a table within each row, such as those of its kinds of defect."""
    found: list[Row] = []
    for row in rows:
        inside: Any = row
        for name in path:
            inside = (inside or {}).get(name)
        head = {name: row[name] for name in ("dataset", "model", "n_taught")}
        found += [{**head, **group, "group": name} for name, group in (inside or {}).items()]
    return found


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row.get(name) is None else str(row[name])


def _number(name: str, form: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row.get(name) is None else format(row[name], form)


def _with_interval(name: str, interval: str, form: str) -> Callable[[Row], str]:
    def show(row: Row) -> str:
        if row.get(name) is None:
            return UNKNOWN
        ends = row.get(interval)
        if ends is None:
            return format(row[name], form)
        low, high = (format(end, form).removesuffix("%") for end in ends)
        return f"{row[name]:{form}} ({low} to {high})"

    return show


def _within(table_name: str, show: Callable[[Row], str]) -> Callable[[Row], str]:
    return lambda row: show(row.get(table_name) or {})


def _share(title: str, name: str) -> Column:
    return title, _with_interval(name, f"{name}_ci95", ".3f")


def _rate(title: str, name: str) -> Column:
    return title, _with_interval(name, f"{name.removesuffix('_rate')}_ci95", ".1%")


def _difference(title: str, name: str) -> Column:
    return title, _with_interval(f"{name}_minus", f"{name}_minus_ci95", "+.3f")


HEAD: tuple[Column, ...] = (
    ("dataset", _text("dataset")),
    ("model", _text("model")),
    ("good pictures", _text("n_taught")),
)

LEADERBOARD: tuple[Column, ...] = (
    *HEAD,
    ("seeds", lambda row: str(len(row["seeds"]))),
    _share("image AUROC", "image_auroc"),
    _share("found at 1 % false rejects", "tpr_at_1"),
    _share("at 5 %", "tpr_at_5"),
    _rate("escapes: defects PASS", "escape_rate"),
    _rate("defects not FAIL", "not_failed_rate"),
    _rate("overkill: good not PASS", "overkill_rate"),
    _rate("good FAIL", "good_fail_rate"),
    _share("AUPRO .3", "aupro"),
    _share("AUPRO .05", "aupro_at_5"),
    ("drawn-in AUROC", _within("drawn", _number("image_auroc", ".3f"))),
    ("drawn-in escapes", _within("drawn", _number("escape_rate", ".1%"))),
    ("fit s", _number("fit_seconds", ".1f")),
    ("ms a picture", _number("ms_per_image", ".1f")),
    ("peak MB", _number("peak_memory_mb", ".0f")),
    ("recipe MB", _number("recipe_mb", ".1f")),
)

DIFFERENCES: tuple[Column, ...] = (
    *HEAD,
    ("minus", _text("minus")),
    _difference("image AUROC", "image_auroc"),
    _difference("found at 1 %", "tpr_at_1"),
    _difference("at 5 %", "tpr_at_5"),
    _difference("AUPRO .3", "aupro"),
    _difference("AUPRO .05", "aupro_at_5"),
    ("fit, times as long", _number("fit_x_first", ".2f")),
    ("judging, times as long", _number("ms_x_first", ".2f")),
)

POOLED: tuple[Column, ...] = (
    ("model", _text("model")),
    ("minus", _text("minus")),
    ("good pictures", _text("n_taught")),
    ("datasets", _text("datasets")),
    _difference("image AUROC", "image_auroc"),
    _difference("found at 1 %", "tpr_at_1"),
    _difference("at 5 %", "tpr_at_5"),
)

RANKED: tuple[Column, ...] = (
    ("model", _text("model")),
    ("datasets", _text("datasets")),
    ("models", _text("of")),
    ("rank by image AUROC", _with_interval("image_auroc_rank", "image_auroc_rank_ci95", ".1f")),
    ("found at 1 %", _with_interval("tpr_at_1_rank", "tpr_at_1_rank_ci95", ".1f")),
    ("at 5 %", _with_interval("tpr_at_5_rank", "tpr_at_5_rank_ci95", ".1f")),
    ("differ from", _number("critical_difference", ".1f")),
    ("Friedman p", _number("image_auroc_friedman_p", ".2g")),
)

CHOSEN: tuple[Column, ...] = (
    ("dataset", _text("dataset")),
    ("the others choose", _text("model")),
    ("image AUROC here", _number("image_auroc", ".3f")),
    ("minus", _text("minus")),
    ("difference", _number("image_auroc_minus", "+.3f")),
    ("best here", _text("best")),
)

FAILED: tuple[Column, ...] = (
    *HEAD,
    ("seed", lambda row: str(row["seeds"][0])),
    ("why", _text("error")),
)

GROUPS: tuple[Column, ...] = (
    *HEAD,
    ("defects", _text("group")),
    ("pictures", _text("n")),
    ("image AUROC", _number("image_auroc", ".3f")),
    ("found at 1 %", _number("tpr_at_1", ".3f")),
    ("at 5 %", _number("tpr_at_5", ".3f")),
    ("escapes", _with_interval("escape_rate", "escape_ci95", ".1%")),
)
