"""The bench on drawn parts: every option, who takes part, what a run is given and what it gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import models
from cameras import list_images
from cameras.simulated import write_dataset
from inspection.errors import InspectionError
from inspection.training import dataset_folder
from inspection.training.bench import BenchSettings, Failure, Outcome, Plan, bench
from inspection.training.bench.contenders import RIVALS, chosen, contender_names
from inspection.training.bench.drawn import KINDS, draw_defects
from inspection.training.bench.runs import Task
from inspection.training.drawn_defects import SIZES
from inspection.training.statistics import STATISTICS

COSTS = {"fit_seconds", "ms_per_image", "peak_memory_mb", "image_size"}


def quiet(what: str, done: int, of: int) -> None: ...


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "parts"
    write_dataset(
        folder, n_good=14, n_test_good=6, n_defective_per_kind=1, size_px=128, seed=2, colour=False
    )
    return folder


@pytest.mark.slow
def test_the_command_compares_over_numbers_and_seeds(parts: Path, cli: Any, tmp_path: Path) -> None:
    options = ("--n", "8,all,500", "--seeds", "0,1", "--models", "ours,padim", "--drawn", 1)
    sized = ("--image-size", 96, "--backbone", "tf_efficientnet_lite0", "--effort", "fast")
    done = cli("bench", parts, *options, *sized, "--html", "b.html", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [(row["model"], row["n_taught"], row["seeds"]) for row in rows] == [
        ("ours", 8, [0, 1]), ("padim", 8, [0, 1]), ("ours", 14, [0, 1]), ("padim", 14, [0, 1]),
    ]  # fmt: skip
    names = {each.name for each in STATISTICS}
    for row in rows:
        assert names | COSTS <= set(row)
        assert (row["n_good"], row["n_defective"]) == (6, 5)
        assert row["image_auroc_ci95"][0] <= row["image_auroc"] <= row["image_auroc_ci95"][1]
        assert 0 <= row["aupro_ci95"][0] <= row["aupro"] <= row["aupro_ci95"][1] <= 1
        assert set(row["drawn"]["by_kind"]) == set(KINDS)
        assert [float(size) for size in row["drawn"]["by_length"]] == list(SIZES)
        assert row["drawn"]["n"] == len(KINDS) * len(SIZES)
        assert row["image_size"] == 96
        assert sum(group["n"] for group in row["per_size"].values()) == 5
    ours, padim = rows[2:]
    assert (ours["escape_rate"] is not None, padim["escape_rate"]) == (True, None)
    assert ours["recipe_mb"] > 0
    assert ours["x_backbone"] > 0
    assert padim["minus"] == "ours"
    assert padim["image_auroc_minus"] == pytest.approx(padim["image_auroc"] - ours["image_auroc"])
    page = (tmp_path / "b.html").read_text("utf-8")
    assert page.count("<svg") == 3  # scores, ROC, over n
    assert "effort fast, 96 px" in page


@pytest.mark.slow
def test_what_fails_is_told_and_the_others_go_on(parts: Path, cli: Any) -> None:
    done = cli("bench", parts, "--models", "padim,ours", "--backbone", "no_such_network", "--json")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "inspection: bench: 2 of 2 runs failed; the first, padim on parts "
    )
    assert done.stderr.count("\n") == 1
    assert [row["model"] for row in json.loads(done.stdout)] == ["padim", "ours"]
    assert all("no_such_network" in row["error"] for row in json.loads(done.stdout))


@pytest.mark.slow
def test_a_run_tells_who_is_at_work_and_gives_what_it_measured(parts: Path) -> None:
    told: list[tuple[str, int, int]] = []
    plan = Plan(
        datasets=(parts,),
        contenders=("ours",),
        drawn_each=0,
        settings=BenchSettings(image_size_px=96),
    )
    (outcome,) = bench(plan, progress=lambda *words: told.append(words))
    assert isinstance(outcome, Outcome)
    again = Outcome.from_json(json.loads(json.dumps(outcome.as_json())))
    assert again.as_json() == outcome.as_json()
    assert (len(outcome.test.scores), len(outcome.drawn.scores)) == (11, 0)
    assert outcome.limits is not None
    passed = (outcome.test.scores <= outcome.limits[0]) | (outcome.test.scores <= outcome.limits[1])
    assert outcome.test.passed is not None
    assert not (outcome.test.passed & ~passed).any()
    for name in ("aupro", "aupro_at_5"):
        total, count = outcome.overlaps[name].sum(0)
        assert total / count == pytest.approx(outcome.figures[name])
    whats = [what for what, _, _ in told]
    assert "ours, 14 good, seed 0, parts: Judging" in whats
    assert told[-1] == ("Benchmark", 3 * 14 + 11, 3 * 14 + 11)


def test_more_good_pictures_hold_the_fewer_and_all_learn_the_same(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[int, int, str], set[str]] = {}
    tested: set[tuple[str, ...]] = set()

    def look(task: Task, progress: Any) -> Outcome:
        names = {path.name for path in list_images(task.folder / "train" / "good")}
        seen[task.n_good, task.seed, task.contender] = names
        tested.add(tuple(sorted(path.name for path in (task.folder / "test").glob("*/*"))))
        raise InspectionError("only looked")

    monkeypatch.setattr("inspection.training.bench.contender", lambda name: look)
    plan = Plan(
        datasets=(parts,),
        contenders=("ours", "padim"),
        counts=(6, 9, None),
        seeds=(0, 1),
        drawn_each=0,
    )
    found = bench(plan, progress=quiet)
    assert {type(each) for each in found} == {Failure}
    assert {key[0]: len(names) for key, names in seen.items()} == {6: 6, 9: 9, 14: 14}
    assert seen[6, 0, "ours"] < seen[9, 0, "ours"] < seen[14, 0, "ours"]
    assert seen[6, 0, "ours"] == seen[6, 0, "padim"] != seen[6, 1, "ours"]
    assert len(tested) == 1


def test_who_takes_part() -> None:
    assert contender_names()[0] == "ours"
    assert set(RIVALS) < set(contender_names())
    assert chosen("all") == contender_names()
    assert chosen("padim, ours,padim") == ["padim", "ours"]
    assert chosen("ours:patchcore") == ["ours:patchcore"]
    with pytest.raises(InspectionError, match="no contender 'best'; there are: ours, .*patchcore"):
        chosen("ours,best")


def test_a_new_model_takes_part_by_being_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of ours that has the name of one of anomalib's is told from it."""
    known = models.model_class("patchcore")
    monkeypatch.setattr(models, "model_names", lambda: ["kmeans", "padim", "patchcore"])
    monkeypatch.setattr(models, "model_class", lambda name: known)
    assert chosen("all") == ["ours", "template", "kmeans", "ours:padim", *RIVALS]
    assert chosen("kmeans,ours:patchcore") == ["kmeans", "ours:patchcore"]


def test_datasets_of_one_name_are_told_apart(parts: Path, tmp_path: Path) -> None:
    other = tmp_path / "parts"
    other.symlink_to(parts.parent / "copy")
    shutil.copytree(parts, parts.parent / "copy")
    twin = tmp_path / "twin" / "parts"
    shutil.copytree(parts, twin)
    plan = Plan(datasets=(parts, twin, other), contenders=("ours",))
    assert [plan.name_of(each) for each in plan.datasets] == [str(parts), str(twin), "copy"]
    with pytest.raises(InspectionError, match="the same dataset is given twice"):
        Plan(datasets=(parts, parts), contenders=("ours",))


def test_a_dataset_that_cannot_be_measured_is_refused(parts: Path, tmp_path: Path) -> None:
    for kind in ("good", "scratch"):
        (tmp_path / "test" / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "test" / kind / "0.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(InspectionError, match="more than 5 pictures, got 1 good and 1 defective"):
        Plan(datasets=(tmp_path,), contenders=("ours",))
    with pytest.raises(InspectionError, match="at least 5 good pictures are needed, got --n 4"):
        Plan(datasets=(parts,), contenders=("ours",), counts=(4,))
    with pytest.raises(
        InspectionError, match="asked for 20 good pictures and more, and there are 14"
    ):
        Plan(datasets=(parts,), contenders=("ours",), counts=(30, 20))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--n", "10,some"), "must be whole numbers with commas between or all, got '10,some'"),
        (("--seeds", "all"), "must be whole numbers with commas between, got 'all'"),
        (("--effort", "hard"), "must be fast, balanced, thorough, got hard"),
    ],
)
def test_wrong_options_are_usage_errors(
    words: tuple[str, str], said: str, parts: Path, cli: Any
) -> None:
    done = cli("bench", parts, *words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_page_that_cannot_be_written_is_told_before_the_work(parts: Path, failure: Any) -> None:
    assert "no folder" in failure("bench", parts, "--html", "nowhere/b.html")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", SIZES)
def test_a_drawn_in_defect_is_as_long_as_it_says(kind: str, length: float) -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(90, 166, (200, 300, 3), dtype=np.uint8)
    spans = []
    for _ in range(12):
        changed = KINDS[kind](image, length, rng).astype(int) - image
        rows, columns = np.nonzero(np.abs(changed).max(-1) > 4)
        assert rows.size
        spans.append(np.hypot(np.ptp(rows), np.ptp(columns)) + 1)
    assert max(spans) <= 1.5 * (length * 300) + 4  # a box's diagonal, soft edges
    assert max(spans) >= 0.6 * length * 300


def test_defects_are_drawn_into_each_kind_and_size_alike_again(parts: Path, tmp_path: Path) -> None:
    good = list_images(parts / "test" / "good")
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(draw_defects(good, tmp_path / name, each=8, seed=3, progress=quiet))
    assert len(made[0]) == 8 * len(KINDS) * len(SIZES)
    assert [(each.kind, each.length) for each in made[0]][:9] == [("scar", 0.02)] * 8 + [
        ("scar", 0.04)
    ]
    pairs = list(zip(*made, strict=True))[::17]
    assert all(one.path.read_bytes() == two.path.read_bytes() for one, two in pairs)


def test_a_defect_is_as_long_as_its_largest_piece(tmp_path: Path) -> None:
    mask = np.zeros((100, 200, 3), np.uint8)
    mask[10:14, 20:60] = 255
    mask[50:55, 50:55] = 255
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    picture = dataset_folder.TestPicture(
        path=tmp_path / "p.png", kind="scratch", mask=tmp_path / "m.png"
    )
    assert picture.defect_length() == 40 / 200
    assert (
        dataset_folder.TestPicture(path=tmp_path / "p.png", kind="scratch").defect_length() is None
    )


@pytest.mark.slow
def test_robustness_prints_a_row_for_each_change(parts: Path) -> None:
    """`benchmarks/robustness.py`: what is changed for the worse is found worse, or not inspected."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            sys.executable,
            root / "benchmarks" / "robustness.py",
            parts,
            "--image-size",
            "96",
            "--json",
        ],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["change"]: row for row in json.loads(done.stdout)}
    assert len(rows) == 18
    plain = rows["as it is"]
    assert plain["n_cannot_inspect"] == 0
    assert plain["image_auroc"] > 0.6
    blind = {name for name, row in rows.items() if row["n_cannot_inspect"] == 11}
    assert "light x 0.7" in blind
    assert {name for name, row in rows.items() if row["image_auroc"] is None} == blind
    assert rows["light x 0.7"]["overkill_rate"] > plain["overkill_rate"]
    assert rows["moved 1.0%, turned 5 deg"]["overkill_rate"] > plain["overkill_rate"]
    assert rows["JPEG quality 90"]["overkill_rate"] < 0.5
    assert rows["a tenth of them is"]["dataset"] == "parts"
