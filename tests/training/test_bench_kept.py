"""A bench that was killed goes on, and sets whose pictures have templates are compared with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras.simulated import write_dataset
from inspection.errors import InspectionError
from inspection.training.bench import Failure, Outcome, Plan, bench
from inspection.training.bench.contenders import chosen, contender_names
from inspection.training.bench.runs import BenchSettings, Task
from inspection.training.bench.templates import compared
from inspection.training.options import TrainingOptions
from tests.recipe.test_template import drawn_board
from tests.training.test_bench_figures import outcome

BOARDS, SIDE_PX = 9, 160


def quiet(what: str, done: int, of: int) -> None:
    """Say nothing."""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    write_dataset(folder, n_good=6, n_test_good=4, n_defective_per_kind=1, size_px=64, seed=2)
    return folder


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, by contenders that measure nothing; `padim` fails, and `kmeans` is killed once."""
    done: list[str] = []

    def contender(name: str) -> Callable[[Task, Any], Outcome]:
        def run(task: Task, progress: Any) -> Outcome:
            done.append(f"{name} {task.seed}")
            if name == "padim":
                raise InspectionError("not today")
            if name == "kmeans" and done.count("kmeans 1") == 1 and task.seed == 1:
                raise KeyboardInterrupt
            return outcome(name, better=1.0, seed=task.seed, dataset=task.dataset, n_good=6)

        return run

    monkeypatch.setattr("inspection.training.bench.contender", contender)
    return done


def plan(parts: Path, keep: Path, **more: Any) -> Plan:
    names = ("ours", "padim", "kmeans")
    return Plan(datasets=(parts,), contenders=names, seeds=(0, 1), drawn_each=0, keep=keep, **more)


def test_a_killed_bench_goes_on_where_it_was(
    parts: Path, tmp_path: Path, measured: list[str]
) -> None:
    keep = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        bench(plan(parts, keep), progress=quiet)
    before = [*measured]
    assert before == ["ours 0", "padim 0", "kmeans 0", "ours 1", "padim 1", "kmeans 1"]
    found = bench(plan(parts, keep), progress=quiet)
    assert measured[len(before) :] == ["padim 0", "padim 1", "kmeans 1"]
    names = [(each.contender, each.seed, type(each)) for each in found]
    assert names == [
        ("ours", 0, Outcome), ("padim", 0, Failure), ("kmeans", 0, Outcome),
        ("ours", 1, Outcome), ("padim", 1, Failure), ("kmeans", 1, Outcome),
    ]  # fmt: skip
    first = found[0]
    assert isinstance(first, Outcome)
    fresh = outcome("ours", better=1.0, dataset="parts", n_good=6)
    assert json.dumps(first.as_json()) == json.dumps(fresh.as_json())


@pytest.mark.parametrize(
    "change", [{"settings": BenchSettings(image_size_px=96)}, {"counts": (5,)}, "a picture"]
)
def test_what_was_asked_otherwise_is_measured_anew(
    change: Any, parts: Path, tmp_path: Path, measured: list[str]
) -> None:
    keep = tmp_path / "kept"
    measured.append("kmeans 1")
    bench(plan(parts, keep), progress=quiet)
    before = len(measured)
    if change == "a picture":
        change = {}
        picture = parts / "test" / "good" / "0000.png"
        picture.write_bytes(picture.read_bytes() + b"\0")
    bench(plan(parts, keep, **change), progress=quiet)
    assert len(measured) == before + 6


def test_a_kept_file_that_holds_nothing_is_named(
    parts: Path, tmp_path: Path, measured: list[str]
) -> None:
    keep = tmp_path / "kept"
    measured.append("kmeans 1")
    bench(plan(parts, keep), progress=quiet)
    (path,) = keep.glob("parts-ours-6-0-*.json")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(
        InspectionError, match=rf"^bench: .*{path.name} holds no outcome .*; delete"
    ):
        bench(plan(parts, keep), progress=quiet)


def test_the_folder_must_have_a_place(parts: Path, failure: Any) -> None:
    assert "no folder" in failure("bench", parts, "--keep", "nowhere/kept")


def test_ensembles_take_part_by_members_and_rule() -> None:
    names = contender_names()
    assert names[:2] == ["ours", "template"]
    assert {"ensemble", "ensemble:fisher", "ensemble:mean_rank"} < set(names)
    asked = "ensemble:patchcore+kmeans:fisher,ensemble:patchcore+kmeans"
    assert chosen(asked) == asked.split(",")
    options = BenchSettings().options(model="ensemble:patchcore+kmeans:fisher", seed=3)
    assert (options.model, options.members, options.rule, options.seed) == (
        "ensemble", ("patchcore", "kmeans"), "fisher", 3,
    )  # fmt: skip
    plain = BenchSettings().options(model="kmeans", seed=0)
    assert plain == TrainingOptions(model="kmeans")
    for wrong in (
        "ensemble:fischer",
        "ensemble:patchcore+best",
        "kmeans:fisher",
        "ensemble:fisher:mean",
        "ensemble:",
    ):
        with pytest.raises(InspectionError, match="no contender"):
            chosen(wrong)


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates taught and others to test, and boards with faults; one of them has no template."""
    folder = tmp_path_factory.mktemp("templates") / "boards"
    for number in range(2 * BOARDS):
        golden = cv2.resize(drawn_board(number), (SIDE_PX, SIDE_PX))
        among = "train/good" if number < BOARDS else "test/good"
        (folder / among).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / among / f"{number}_temp.png"), golden)
        if number % 3 == 0:
            (folder / "test" / "spot").mkdir(parents=True, exist_ok=True)
            spoiled = cv2.circle(golden.copy(), (70, 90), 9, (125,), -1)
            cv2.imwrite(str(folder / "test" / "spot" / f"{number}_test.png"), spoiled)
    cv2.imwrite(str(folder / "test" / "spot" / "99_test.png"), np.zeros((9, 9), np.uint8))
    return folder


def test_only_what_has_a_template_is_compared(boards: Path, parts: Path) -> None:
    names = [item.path.name for item in compared(boards)]
    assert len(names) == BOARDS + 2 * BOARDS // 3
    assert "99_test.png" not in names
    assert compared(parts) == []
    both = Plan(datasets=(boards, parts), contenders=("template", "ours"))
    assert both.contenders_of(boards) == ["template", "ours"]
    assert both.contenders_of(parts) == ["ours"]
    with pytest.raises(InspectionError, match="asked for template alone"):
        Plan(datasets=(parts,), contenders=("template",))


@pytest.mark.slow
def test_boards_are_told_by_their_templates(boards: Path) -> None:
    """Good test boards are other builds of their templates: nothing is compared with itself."""
    settings = BenchSettings(effort="fast", image_size_px=96)
    asked = Plan(datasets=(boards,), contenders=("template",), drawn_each=1, settings=settings)
    (found,) = bench(asked, progress=quiet)
    assert isinstance(found, Outcome), found
    assert (found.contender, len(found.test.kinds), len(found.drawn.kinds)) == ("template", 15, 0)
    assert found.figures["image_auroc"] > 0.95
    good = found.test.scores[[kind == "good" for kind in found.test.kinds]]
    assert len(set(good.tolist())) == len(good)
    assert "CANNOT_INSPECT" not in found.test.verdicts
