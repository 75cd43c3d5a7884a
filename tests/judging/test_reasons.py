"""A reason is a code with its values: the table is complete, and so is every place that makes one."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import inspection
from inspection.judgement import Region
from inspection.judging.judge import fits
from inspection.reasons import (
    CODES,
    JUDGED,
    WORDINGS,
    Reason,
    about_mm2,
    about_px,
    accepted_or_at_fault,
)
from inspection.recipe import open_recipe
from inspection.recipe.image_health import SLACK, TOO_HIGH, TOO_LOW, Limits

ROOT = Path(inspection.__file__).parent
READERS = {ROOT / "reasons.py", ROOT / "store/records.py", ROOT / "store/legacy_sentences.py"}
"""Where codes come out of the table or the record; all others write them down."""
COMPUTED = {"TOO_LOW[name]", "TOO_HIGH[name]"}
"""Codes taken from a table, checked below by the numbers that lead to them."""


def made_in_the_code() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(ROOT.rglob("*.py")):
        if path in READERS:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Reason":
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def keys_of(code: str) -> list[str]:
    return [key for key in WORDINGS if key == code or key.startswith(f"{code}_")]


def test_every_place_that_makes_a_reason_has_a_code_of_the_table_and_all_its_values() -> None:
    used = set()
    for where, call in made_in_the_code():
        code, *values = call.args
        if ast.unparse(code) in COMPUTED:
            continue
        assert isinstance(code, ast.Constant), f"{where}: write the code down"
        assert code.value in CODES, where
        used.add(code.value)
        given = set()
        if values:
            assert isinstance(values[0], ast.Dict), f"{where}: write the values down"
            given = {ast.literal_eval(key) for key in values[0].keys if key is not None}
        for key in [code.value] if code.value in WORDINGS else keys_of(code.value):
            assert WORDINGS[key].names <= given | {"zone"}, where
    of_numbers = set(TOO_LOW.values()) | set(TOO_HIGH.values())
    above = {"accepted", "at_fault", "just_above"}
    assert used | of_numbers | above == CODES - {"other"}, "a code that nothing makes"


def test_the_values_are_checked_when_a_reason_is_made() -> None:
    with pytest.raises(ValueError, match=r"Reason\.code: expected a code of the table, got 'moon'"):
        Reason("moon")
    with pytest.raises(ValueError, match=r"Reason\.values: too_dark needs limit, got value"):
        Reason("too_dark", {"value": 3})


def test_a_reason_behind_the_name_of_its_view() -> None:
    reason = Reason("turned", {"value": 9.04, "limit": 5.0}, view="top")
    assert reason.sentence == "top: part turned: 9.0 degrees, 5.0 allowed"
    assert reason.as_values() == {"value": 9.04, "limit": 5.0, "view": "top"}
    message = json.loads(json.dumps(reason.as_message()))
    assert message == {
        "code": "turned", "key": "turned", "do": "place", "values": {"value": 9.04, "limit": 5.0},
        "view": "top",
    }  # fmt: skip


def test_every_health_number_out_of_its_limits_has_its_code() -> None:
    assert set(SLACK) | {"sharpness"} <= set(TOO_LOW) | set(TOO_HIGH)
    for table, value in ((TOO_LOW, 5.123456), (TOO_HIGH, 25.5)):
        for name, code in table.items():
            low, high = ({name: 10.0}, {}) if table is TOO_LOW else ({}, {name: 20.0})
            problem = Limits(low=low, high=high).problem({name: value})
            assert problem is not None
            limit = 10.0 if table is TOO_LOW else 20.0
            assert (problem.code, problem.values) == (code, {"value": value, "limit": limit})
    dark = Limits(low={"brightness": 10.0}, high={}).problem({"brightness": 5.123456})
    assert dark is not None
    assert dark.sentence == "too dark: brightness 5.123, at least 10 wanted"


def test_a_picture_of_the_wrong_size(line: Any) -> None:
    problem = fits(np.zeros((200, 256, 3), np.uint8), open_recipe(line.recipe_path))
    assert problem is not None
    assert (problem.code, problem.key) == ("wrong_size", "wrong_size")
    assert dict(problem.values) == {"side": "height", "value": 200, "low": 256, "high": 256}
    assert problem.sentence == "wrong size: height 200 px, 256 px wanted"
    ranged = Reason("wrong_size", {"side": "width", "value": 20, "low": 64, "high": 400})
    assert ranged.sentence == "wrong size: width 20 px, 64 to 400 px wanted"


def place(*, zone: str | None = None, mm2: float | None = None, accepted: bool = False) -> Region:
    return Region(
        x_px=0, y_px=0, width_px=4, height_px=4, area_px=15.6, area_mm2=mm2, peak_score=3.456,
        zone=zone, accepted=accepted,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "regions", "sentence"),
    [
        ("PASS", [place(accepted=True)], "1 place within what the zone allows"),
        ("PASS", [place(accepted=True)] * 3, "3 places within what the zone allows"),
        ("FAIL", [place()], "1 place at fault, the worst of about 16 px: score 3.46, limit 2.5"),
        (
            "FAIL",
            [place(zone="rim", mm2=0.426), place(), place(accepted=True)],
            "2 places at fault, the worst in zone rim of about 0.4 mm²: score 3.46, limit 2.5",
        ),
        (
            "REVIEW",
            [place()],
            "1 place at fault, the worst of about 16 px: score 3.46 is above the PASS limit 2.5, not the FAIL limit; "
            "a person should look",
        ),
    ],
)
def test_a_judged_part_says_its_places(verdict: str, regions: list[Region], sentence: str) -> None:
    reason = accepted_or_at_fault(verdict, regions, 2.5)
    assert reason.sentence == sentence
    assert reason.code in JUDGED


@pytest.mark.parametrize(
    ("score", "limit", "written"),
    [
        (3.456, 2.5, ("3.46", "2.5")),
        (4.3471, 4.3453, ("4.347", "4.345")),
        (0.99999, 1.0, ("0.99999", "1")),
        (101.2, 101.4, ("101.2", "101.4")),
        (2.5, 2.5, ("2.5", "2.5")),
        (1.0, 1.0 + 1e-12, ("1", "1")),
    ],
)
def test_a_score_just_above_its_limit_is_told_from_it(
    score: float, limit: float, written: tuple[str, str]
) -> None:
    reason = Reason("nothing_unusual", {"score": score, "limit": limit})
    assert reason.sentence == f"nothing unusual: score {written[0]}, limit {written[1]}"
    assert reason.values["score"] == score  # what is recorded stays as it was measured


@pytest.mark.parametrize(
    ("area", "px", "mm2"),
    [(0.04, 0, 0.04), (0.314, 0, 0.3), (1.26, 1, 1.3), (42.4, 42, 42), (4785.0, 4800, 4800)],
)
def test_an_area_is_said_without_digits_nobody_knows(area: float, px: int, mm2: float) -> None:
    assert (about_px(area), about_mm2(area)) == (px, mm2)
