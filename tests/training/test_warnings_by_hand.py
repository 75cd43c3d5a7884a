"""What a recipe cannot do is the first thing that is said: by what was shown, drawn in, and mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras.simulated import draw_part
from inspection.judgement import Verdict
from inspection.training.drawn_defects import DrawnEscapes
from inspection.training.statistics import Evaluation, ScoredTestSet
from inspection.training.warnings import (
    WHAT_TO_TRY,
    drawn_warnings,
    shown_escapes,
    variants,
)


def evaluation_of(good: list[float], bad: list[float], limit: float) -> Evaluation:
    scores = np.array([*good, *bad])
    return Evaluation.of(
        ScoredTestSet(
            kinds=["good"] * len(good) + ["scratch"] * len(bad),
            scores=scores,
            verdicts=[Verdict.FAIL if each > limit else Verdict.PASS for each in scores],
            latency_ms=np.array([1.0]),
        )
    )


def test_near_chance_is_said_first_then_escapes() -> None:
    chance, escapes = shown_escapes(evaluation_of([1, 2, 3, 4], [1.5, 2.5, 3.5], limit=4))
    assert str(chance) == (
        "this recipe hardly tells defective parts from good ones (AUROC 0.50, 0.5 is chance); "
        f"{WHAT_TO_TRY}"
    )
    assert str(escapes) == f"100% of the defective test pictures would pass; {WHAT_TO_TRY}"


@pytest.mark.parametrize(("passing", "warned"), [(0, 0), (2, 0), (3, 1)])
def test_more_than_a_fifth_that_would_pass_is_said(passing: int, warned: int) -> None:
    bad = [4.5] * passing + [9.0] * (10 - passing)
    assert len(shown_escapes(evaluation_of([1, 2, 3, 4], bad, limit=5))) == warned


def test_without_defects_nothing_is_said_of_them() -> None:
    assert shown_escapes(evaluation_of([1, 2], [], limit=0)) == []
    assert shown_escapes(evaluation_of([], [1, 2], limit=0)) == []


def drawn(share: float, *, escapes: int, of: int = 24) -> DrawnEscapes:
    return DrawnEscapes(length_share=share, length_px=1000 * share, drawn=of, escapes=escapes)


def test_large_drawn_in_defects_that_would_pass_are_said_and_small_ones_are_not() -> None:
    small = [drawn(0.02, escapes=24), drawn(0.04, escapes=20)]
    assert drawn_warnings([*small, drawn(0.08, escapes=7), drawn(0.16, escapes=2)]) == []
    (line,) = drawn_warnings([*small, drawn(0.08, escapes=8), drawn(0.16, escapes=2)])
    assert str(line) == f"10 of 48 drawn-in defects 80 px long or longer would pass; {WHAT_TO_TRY}"
    assert drawn_warnings(()) == []


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [9, 10, 40, 200])
def test_one_variant_is_not_called_two(seed: int, n: int) -> None:
    rng = np.random.default_rng([seed, n])
    spread = rng.uniform(0.3, 3, 30)
    assert variants((rng.normal(size=(n, 30)) * spread).astype(np.float32)) == []


@pytest.mark.parametrize(("n", "of_one"), [(10, 5), (10, 3), (40, 20), (60, 6), (200, 30)])
def test_two_variants_are_said_with_their_numbers(n: int, of_one: int) -> None:
    rng = np.random.default_rng(n)
    shown = rng.normal(size=(n, 30)).astype(np.float32)
    shown[rng.permutation(n)[:of_one]] += 4.0
    (line,) = variants(shown)
    smaller = min(of_one, n - of_one)
    assert str(line).startswith(
        f"the good pictures look like two variants ({smaller} and {n - smaller} pictures)"
    )


def test_a_few_odd_pictures_are_no_variant() -> None:
    rng = np.random.default_rng(0)
    shown = rng.normal(size=(60, 30)).astype(np.float32)
    shown[:2] += 9.0
    assert variants(shown) == []


@pytest.mark.slow
def test_a_report_begins_with_its_warnings_and_ends_with_0(cli: Any, tmp_path: Path) -> None:
    """Defects nobody can tell, in a dataset of its own: said loudly, and no error."""
    for number in range(16):
        folder = tmp_path / "parts" / ("train/good" if number < 8 else "test/good")
        save(folder / f"{number}.png", number)
    for number in range(16, 22):
        save(tmp_path / "parts" / "test" / "none" / f"{number}.png", number)
    words = ("train", "parts", "--recipe", "a.recipe", "--image-size", 64, "--false-reject", 0.2)
    done = cli(*words)
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert rows[0].startswith("WARNING: ")
    warned = [row.removeprefix("WARNING: ") for row in rows if row.startswith("WARNING: ")]
    assert rows[: len(warned)] == [f"WARNING: {each}" for each in warned]
    assert any("of the defective test pictures would pass" in each for each in warned)
    assert (tmp_path / "a.recipe").is_file()

    assert json.loads(cli(*words, "--json").stdout)["warnings"] == warned
    # After what is said first: the size of the recipe, the test, the drawn-in defects, the limits.
    order = ["a.recipe: trained on 8 good parts", "On the test pictures", "Defects drawn into",
             "FAIL above", "PASS up to"]  # fmt: skip
    starts = [next(i for i, row in enumerate(rows) if row.startswith(each)) for each in order]
    assert starts == sorted(starts)
    assert starts[0] == len(warned)


def save(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), draw_part(number, size_px=64).image)
