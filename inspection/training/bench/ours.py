"""One model of ours, taught and judged in a process of its own, so that its peak memory is its own:

    python -m inspection.training.bench.ours TASK.json OUT.json

Progress is told on standard output, a JSON list a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspection.errors import InspectionError, expected
from inspection.training.bench.runs import Outcome, Scored, Task
from inspection.training.dataset_folder import test_files
from models import Progress

if TYPE_CHECKING:
    from inspection.recipe import Recipe

WARM_UP = 5
MOST_TIMED = 40


def run_apart(task: Task, model: str, progress: Progress) -> Outcome:
    """Measure a model in a process of its own. Raises InspectionError with the last line it said."""
    with tempfile.TemporaryDirectory() as folder:
        asked, out, said = (Path(folder, name) for name in ("task.json", "out.json", "said.txt"))
        asked.write_text(json.dumps(task.as_json() | {"model": model}), encoding="utf-8")
        command = [sys.executable, "-m", "inspection.training.bench.ours", str(asked), str(out)]
        with (
            said.open("w") as errors,
            subprocess.Popen(  # noqa: S603 - our own program and files
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            try:
                for line in process.stdout or ():
                    progress(*json.loads(line))
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            lines = said.read_text().strip().splitlines() or [f"exit code {process.returncode}"]
            raise InspectionError(lines[-1])
        return Outcome.from_json(json.loads(out.read_text(encoding="utf-8")))


def measure(task: Task, *, model: str, progress: Progress) -> Outcome:
    """Train and judge here; times from files to recipe, and from decoded picture to judgement."""
    import scipy.special  # noqa: F401  libraries are loaded before the clock starts, for all alike

    from inspection.recipe import open_recipe
    from inspection.recipe.setup_file import Setup
    from inspection.recipe.template import Template
    from inspection.training.evaluate import judge_test_set
    from inspection.training.train import train_recipe
    from models._comparison.bare_backbone import load_libraries
    from models._comparison.process_memory import peak_memory_mb

    load_libraries()
    options = task.settings.options(model=model, seed=task.seed)
    source = task.template
    setup = Setup(template=None if source is None else Template(source=str(source)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.recipe")
        report = train_recipe(task.folder, path, options=options, setup=setup, progress=progress)
        peak_mb = peak_memory_mb()
        recipe = open_recipe(path)
    if task.template is not None:
        recipe = recipe.comparing_with(task.template)
    test = judge_test_set(recipe, task.folder, progress=progress)
    limits = recipe.settings.calibration
    timed = _times(recipe, task, progress)
    costs = timed | {
        "fit_seconds": report.seconds,
        "peak_memory_mb": peak_mb,
        "recipe_mb": report.recipe_bytes / 1e6,
        "fit_x_feature_pass": report.seconds / timed["feature_pass_seconds"],
        "image_size": round(
            (recipe.settings.canvas.height_px * recipe.settings.canvas.width_px) ** 0.5
        ),
        "threshold": limits.threshold,
        "fail_threshold": limits.fail_threshold,
        "review_estimated": limits.review_estimated,
        "false_reject_promised": limits.false_reject_promised,
    }
    return Outcome.of(
        task,
        test,
        _judged_drawn(recipe, task, progress),
        costs=costs,
        limits=(limits.threshold, limits.fail_threshold),
    )


def _judged_drawn(recipe: Recipe, task: Task, progress: Progress) -> Scored:
    """Judge the pictures with defects drawn in."""
    from inspection.judging.picture_files import judge_files
    from inspection.training.statistics import NO_SCORE

    scores, verdicts = [], []
    for file in judge_files([each.path for each in task.drawn], recipe):
        score = file.judgement.score
        scores.append(NO_SCORE if score is None else score)
        verdicts.append(file.judgement.verdict.value)
        progress("Judging drawn-in defects", len(scores), len(task.drawn))
    return Scored(
        kinds=[each.kind for each in task.drawn],
        scores=np.array(scores, np.float64),
        verdicts=verdicts,
        lengths=[each.length for each in task.drawn],
    )


def _times(recipe: Recipe, task: Task, progress: Progress) -> dict[str, float]:
    """Time judging alone, as the rivals are, and in turn with the bare backbone.

    Pictures are decoded before the clock. In turn, each finds the caches filled by the other.
    """
    from inspection.judging.judge import inspect
    from inspection.judging.picture_files import read_frame
    from models._comparison.bare_backbone import BareBackbone

    canvas = recipe.settings.canvas
    bare = BareBackbone(
        task.settings.backbone, height_px=canvas.height_px, width_px=canvas.width_px
    )
    planes = np.zeros((1, 3, canvas.height_px, canvas.width_px), dtype=np.float32)
    items = test_files(task.folder)[:MOST_TIMED]
    alone_ms, paired_ms = [], []
    for number, item in enumerate(items):
        frame, template = read_frame(item.path, recipe)
        alone_ms.append(_ms(partial(inspect, frame, recipe, template=template)))
        progress("Timing", number + 1, 2 * len(items))
    for number, item in enumerate(items):
        frame, template = read_frame(item.path, recipe)
        judged_ms = _ms(partial(inspect, frame, recipe, template=template))
        paired_ms.append((judged_ms, _ms(partial(bare.run_planes, planes))))
        progress("Timing", len(items) + number + 1, 2 * len(items))
    judge_ms, bare_ms = np.array(paired_ms[WARM_UP:]).T
    return {
        "ms_per_image": float(np.median(alone_ms[WARM_UP:])),
        "judge_ms": float(np.median(judge_ms)),
        "bare_backbone_ms": float(np.median(bare_ms)),
        "x_backbone": float(np.median(judge_ms / bare_ms)),
        "feature_pass_seconds": task.n_good * float(np.median(bare_ms)) / 1e3,
    }


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def main(asked: Path, out: Path) -> int:
    """Run one task; a failure is one line on standard error."""
    data: dict[str, Any] = json.loads(asked.read_text(encoding="utf-8"))
    model = data.pop("model")

    def tell(what: str, done: int, of: int) -> None:
        print(json.dumps([what, done, of]), flush=True)  # noqa: T201

    try:
        outcome = measure(Task.from_json(data), model=model, progress=tell)
    except Exception as error:  # the process's command line is where its errors end
        if not expected(error):
            raise
        print(" ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        return 1
    out.write_text(json.dumps(outcome.as_json()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
