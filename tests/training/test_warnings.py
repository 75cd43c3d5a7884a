"""What a training report says first, as a sentence and as a key with numbers."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from inspection.training.drawn_defects import DrawnEscapes
from inspection.training.warnings import (
    SENTENCES,
    TrainingWarning,
    as_keys,
    drawn_warnings,
    variants,
)
from ui.words import FOLDER


def drawn(share: float, escapes: int) -> DrawnEscapes:
    return DrawnEscapes(length_share=share, length_px=1000 * share, drawn=20, escapes=escapes)


def test_large_drawn_in_defects_that_pass_are_warned_of() -> None:
    (warning,) = drawn_warnings([drawn(0.04, 20), drawn(0.08, 9), drawn(0.16, 0)])
    assert str(warning).startswith("9 of 40 drawn-in defects 80 px long or longer would pass; try")
    values = {"escapes": 9, "drawn": 40, "length_px": pytest.approx(80)}
    assert as_keys(warning) == {"key": "drawn_escapes", "values": values}
    assert drawn_warnings([drawn(0.02, 20), drawn(0.04, 20), drawn(0.08, 8), drawn(0.16, 0)]) == []


def test_two_groups_of_pictures_are_two_variants() -> None:
    noise = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    assert variants(noise) == []
    noise[:12, 0] += 20
    (warning,) = variants(noise)
    assert dict(warning.values) == {"smaller": 12, "larger": 28}
    assert str(warning).startswith("the good pictures look like two variants (12 and 28 pictures)")


@pytest.mark.parametrize("key", SENTENCES)
def test_the_page_says_each_warning_with_the_same_numbers(key: str) -> None:
    values = {
        "auroc",
        "share",
        "escapes",
        "drawn",
        "length_px",
        "smaller",
        "larger",
        "of",
        "scored",
    }
    values |= {"useful", "count", "odd", "with_odd", "threshold"}
    words = tomllib.loads((FOLDER / "setup.toml").read_text("utf-8"))[f"warning_{key}"]
    here = {name for name in values if f"{{{name}" in SENTENCES[key]}
    assert here == {name for name in values if f"{{{name}}}" in words["en"]}
    assert str(TrainingWarning(key=key, values=dict.fromkeys(here, 1)))
