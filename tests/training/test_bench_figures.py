"""How sure the bench's figures are, what its rows hold, and its page."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.training.bench.bootstrap import FIGURES, Draws, interval, score_interval
from inspection.training.bench.comparison import Comparison
from inspection.training.bench.page import page
from inspection.training.bench.plots import _found
from inspection.training.bench.ranks import (
    chosen_by_others,
    critical_difference,
    friedman_p,
    mean_ranks,
    ranks,
)
from inspection.training.bench.runs import Failure, Outcome, Scored
from inspection.training.bench.summary import pooled_differences, summarise
from inspection.training.bench.tables import tables
from inspection.training.metrics import LabelledPixels, aupro, auroc, true_positive_rate
from inspection.training.statistics import Evaluation, ScoredTestSet

KINDS = ["good"] * 20 + ["scratch"] * 20 + ["<dent>"] * 10


def outcome(
    name: str,
    *,
    better: float,
    seed: int = 0,
    dataset: str = "nuts",
    n_good: int = 40,
    limit: float = 2.0,
) -> Outcome:
    """A contender whose defective parts score so much higher."""
    rng = np.random.default_rng([seed, 7])
    scores = rng.normal(size=len(KINDS)) + better * np.array([kind != "good" for kind in KINDS])
    verdicts = [Verdict.FAIL if score > limit else Verdict.PASS for score in scores]
    test = ScoredTestSet(kinds=KINDS, scores=scores, verdicts=verdicts, latency_ms=np.array([]))
    return Outcome(
        dataset=dataset,
        contender=name,
        n_good=n_good,
        seed=seed,
        figures=Evaluation.of(test).as_json()
        | {
            "region_hit_ci95": [0.5, 1.0],
            "fit_seconds": 2.0 + seed,
            "ms_per_image": 5.0,
            "peak_memory_mb": 100.0,
        },
        test=Scored(kinds=KINDS, scores=scores, verdicts=[v.value for v in verdicts]),
        drawn=Scored(
            kinds=["hole", "scar"],
            scores=np.array([9.0, -9.0]),
            verdicts=["FAIL", "PASS"],
            lengths=[0.02, 0.04],
        ),
        limits=(limit, limit),
    )


def test_the_draws_are_of_the_pictures_and_their_intervals_hold_the_truth() -> None:
    draws = Draws.of(KINDS, draws=400)
    assert (draws.good.shape, draws.defective.shape) == ((400, 20), (400, 30))
    assert (draws.good.max(), draws.defective.min(), draws.defective.max()) == (19, 20, 49)
    held = 0
    for seed in range(60):
        scores = outcome("a", better=1.0, seed=seed).test.scores
        low, high = interval(draws.figures(scores, auroc))
        held += (
            low <= 0.7602 <= high
        )  # the chance that a normal with mean 1 exceeds one with mean 0
    assert 48 <= held <= 60


def test_overlaps_drawn_as_they_are_give_the_overlap_curve() -> None:
    rng = np.random.default_rng(0)
    masks = [np.zeros((9, 9), bool) for _ in range(4)]
    masks[1][2:4, 2:4] = masks[1][6:8, 6:8] = masks[3][:3, :3] = True
    maps = [rng.random((9, 9)) + mask for mask in masks]
    pixels = LabelledPixels.gather(maps, masks, pictures=[0, 5, 6, 7])
    assert pixels.picture.tolist() == [5, 5, 7]
    each = np.zeros((8, 2))
    np.add.at(each[:, 0], pixels.picture, pixels.overlaps(0.3))
    np.add.at(each[:, 1], pixels.picture, 1)
    draws = Draws(np.zeros((2, 1), np.intp), np.array([[5, 7], [5, 5]]))
    whole, twice = draws.overlaps(each)
    assert whole == pytest.approx(aupro(maps, masks, max_false_positive_rate=0.3))
    assert twice == pytest.approx(pixels.overlaps(0.3)[:2].mean())


def test_an_area_of_1_is_not_certain() -> None:
    low, high = score_interval(1.0, 10, 20)
    assert (high, 0.75 < low < 0.95) == (1.0, True)
    assert score_interval(1.0, 100, 200)[0] > low
    assert score_interval(0.0, 10, 20) == pytest.approx([0.0, 1 - low], abs=0.05)
    middle = score_interval(0.8, 50, 50)
    assert middle == pytest.approx([0.6970, 0.8737], abs=0.005)


def test_a_row_is_the_mean_over_seeds_with_intervals() -> None:
    runs = [outcome("ours", better=1.5, seed=seed) for seed in (0, 1)]
    (row,) = summarise(runs)
    assert (row["dataset"], row["model"], row["n_taught"], row["seeds"]) == (
        "nuts",
        "ours",
        40,
        [0, 1],
    )
    assert row["image_auroc"] == pytest.approx(np.mean([r.figures["image_auroc"] for r in runs]))
    assert row["fit_seconds"] == 2.5
    assert row["region_hit_ci95"] is None
    assert summarise(runs[:1])[0]["region_hit_ci95"] == [0.5, 1.0]
    low, high = row["image_auroc_ci95"]
    assert low < row["image_auroc"] < high
    counts = [r.figures["escape_rate"] * 30 for r in runs]
    assert row["escape_ci95"] == list(exact_interval(sum(counts) / 2, 30))
    kind = row["per_defect"]["scratch"]
    assert kind["escape_ci95"] == list(exact_interval(kind["escape_rate"] * 20, 20))
    assert (row["drawn"]["n"], row["drawn"]["escape_rate"], row["drawn"]["image_auroc"]) == (
        2,
        0.5,
        0.5,
    )
    assert row["drawn"]["by_kind"]["hole"]["escape_rate"] == 0
    assert row["drawn"]["by_length"]["0.04"]["escape_rate"] == 1


def test_what_is_perfect_still_has_an_interval() -> None:
    (row,) = summarise([outcome("ours", better=50.0)])
    assert (row["image_auroc"], row["tpr_at_1"]) == (1.0, 1.0)
    assert row["image_auroc_ci95"] == score_interval(1.0, 20, 30)
    assert row["tpr_at_1_ci95"] == list(exact_interval(30, 30))


def test_differences_are_of_the_same_pictures() -> None:
    first = outcome("ours", better=1.0)
    same, better = outcome("twin", better=1.0), outcome("best", better=1.3)
    rows = summarise([first, same, better])
    assert "minus" not in rows[0]
    assert (rows[1]["image_auroc_minus"], rows[1]["image_auroc_minus_ci95"]) == (0.0, None)
    low, high = rows[2]["image_auroc_minus_ci95"]
    assert 0 < low < rows[2]["image_auroc_minus"] < high
    alone = rows[2]["image_auroc_ci95"]
    assert high - low < (alone[1] - alone[0]) / 2  # far surer than either alone
    assert rows[2]["fit_x_first"] == 1.0


def test_the_mean_difference_is_over_datasets_of_the_same_number_or_of_all() -> None:
    runs = [
        outcome(name, better=better, dataset=dataset, n_good=n_good)
        for dataset, largest in (("nuts", 40), ("bolts", 90))
        for n_good in (10, largest)
        for name, better in (("ours", 1.0), ("best", 1.5))
    ]
    rows = pooled_differences(runs)
    assert [(row["model"], row["n_taught"], row["datasets"]) for row in rows] == [
        ("best", 10, 2), ("best", "all", 2),
    ]  # fmt: skip
    low, high = rows[0]["image_auroc_minus_ci95"]
    assert low > 0
    alone = [row for row in summarise(runs) if row["model"] == "best" and row["n_taught"] == 10]
    widths = [np.ptp(row["image_auroc_minus_ci95"]) for row in alone]
    assert high - low == pytest.approx(
        np.mean(widths) / 2**0.5, rel=0.15
    )  # two datasets, drawn apart


# AUC of C4.5, with m, with cf, with both: Demšar 2006, table 6.
DEMSAR = """
.763 .768 .771 .798  .599 .591 .590 .569  .954 .971 .968 .967  .628 .661 .654 .657  .882 .888 .886 .898
.936 .931 .916 .931  .661 .668 .609 .685  .583 .583 .563 .625  .775 .838 .866 .875  1 1 1 1
.940 .962 .965 .962  .619 .666 .614 .669  .972 .981 .975 .974  .957 .978 .946 .970
"""


def test_ranks_are_those_of_the_published_example() -> None:
    figures = np.array(DEMSAR.split(), dtype=float).reshape(14, 4)
    mean = ranks(figures).mean(0)
    assert mean == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    # Published: F = 3.69 with 3 and 39 degrees of freedom.
    assert friedman_p(figures) == pytest.approx(stats.f.sf(3.69, 3, 39), rel=0.01)
    assert friedman_p(np.array([[1.0, 0.9], [0.8, 0.7]])) == 0.0


def test_who_is_better_everywhere_ranks_first() -> None:
    runs = [
        outcome(name, better=better, dataset=dataset)
        for dataset in ("nuts", "bolts", "rings")
        for name, better in (("ours", 0.5), ("best", 2.0), ("worst", 0.1))
    ]
    rows = mean_ranks([*runs, outcome("elsewhere", better=9.0, dataset="nuts")])
    assert [row["model"] for row in rows] == ["best", "ours", "worst"]
    assert [row["image_auroc_rank"] for row in rows] == [1.0, 2.0, 3.0]
    assert rows[1]["image_auroc_rank_ci95"][1] < 3.0
    assert rows[0]["of"] == rows[0]["datasets"] == 3
    assert mean_ranks(runs[:3]) == []
    assert Comparison.of(runs).as_json()[0]["ranks"]["image_auroc_rank"] == 2.0
    shown = dict(tables(Comparison.of(runs)))
    line = shown["Mean ranks over the datasets"].splitlines()[2]
    assert line.startswith("| best | 3 | 3 | 1.0 (1.0 to ")


def test_what_the_other_datasets_choose_is_shown_where_it_fails() -> None:
    runs = [
        outcome(name, better=better[number], dataset=dataset)
        for number, dataset in enumerate(("nuts", "bolts", "rings"))
        for name, better in (("ours", (1.0, 1.0, 1.0)), ("lucky", (2.0, 2.0, 0.1)))
    ]
    rows = chosen_by_others(runs)
    assert [(row["dataset"], row["model"], row["best"]) for row in rows] == [
        ("nuts", "ours", "lucky"), ("bolts", "ours", "lucky"), ("rings", "lucky", "ours"),
    ]  # fmt: skip
    assert rows[0]["image_auroc_minus"] == 0.0
    assert rows[2]["image_auroc_minus"] < -0.2
    shown = dict(tables(Comparison.of(runs)))
    line = shown["Chosen by the other datasets"].splitlines()[4]
    assert line.startswith("| rings | lucky | 0.")
    assert line.endswith("| ours |")


def test_the_tables_say_what_the_rows_hold() -> None:
    runs = [outcome("ours", better=50.0), outcome("best", better=50.0)]
    shown = dict(tables(Comparison.of(runs)))
    assert list(shown) == [
        "Leaderboard", "Differences on the same pictures", "Kinds of defects",
        "Drawn-in defects, by kind", "Drawn-in defects, by length",
    ]  # fmt: skip
    line = shown["Leaderboard"].splitlines()[2]
    assert line.startswith("| nuts | ours | 40 | 1 | 1.000 (0.9")
    assert "| 0.0% (0.0 to 11.6) |" in line
    apart = shown["Differences on the same pictures"].splitlines()[2]
    assert apart == "| nuts | best | 40 | ours | +0.000 | +0.000 | +0.000 | 1.00 | 1.00 |"
    assert "AUPRO" not in shown["Leaderboard"]  # no masks
    assert "| hole | 1 | 1.000 | 1.000 | 0.0% (0.0 to 97.5) |" in shown["Drawn-in defects, by kind"]


def test_the_page_stands_alone_and_holds_its_plots() -> None:
    runs = [
        outcome(name, better=1.0, n_good=n, seed=seed)
        for n in (10, 40) for seed in (0, 1) for name in ("ours", "best")
    ]  # fmt: skip
    failed = Failure(dataset="nuts", contender="bad", n_good=9, seed=0, error="a < b")
    made = page(Comparison.of(runs), runs, [failed], about="what was asked")
    assert made.count("<svg") == 3
    assert "&lt;dent&gt;" in made
    assert "<dent>" not in made
    assert "bad failed on nuts with 9 good pictures, seed 0: a &lt; b" in made
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"', made)
    assert loaded == []
    assert "<script" not in made
    for title in (
        "ours: scores (40 good pictures)",
        "ROC",
        "image AUROC",
        "AUROC of drawn-in defects",
    ):
        assert title in made


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.11, 0.5, 0.95])
def test_the_curve_is_that_of_the_true_positive_rate(rate: float) -> None:
    run = outcome("ours", better=1.0)
    run = replace(run, test=replace(run.test, scores=run.test.scores.round()))  # with ties
    good, bad = run.test.scores[:20], run.test.scores[20:]
    (found,) = _found(run, np.array([rate]))
    assert found == pytest.approx(true_positive_rate(good, bad, max_false_positive_rate=rate))
    assert _found(run, np.array([1.0])) == [1.0]


def test_each_figure_drawn_as_it_is_is_the_one_of_the_test_set() -> None:
    scores = outcome("ours", better=1.0).test.scores
    as_is = Draws(np.arange(20)[None], np.arange(20, 50)[None])
    expected = outcome("ours", better=1.0).figures
    for name, figure in FIGURES.items():
        assert as_is.figures(scores, figure) == [expected[name]]
