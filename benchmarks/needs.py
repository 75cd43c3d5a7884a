"""What a training needs: processor minutes and peak memory of each model that can be trained here.

    python benchmarks/needs.py RESULTS.jsonl [--models NAME,NAME] [--pictures 100]

Each model learns from drawn parts of 256 x 256 pixels (`--image-size 256`), in a process of its own, on one
thread; the whole of `inspection train` is measured. Of networks of pixels only the steps up to the first
check are done, and counted up to the most they may take. What stands in RESULTS.jsonl is not measured again.
Prints a Markdown table; `needs` of each model (models/*.py) holds these figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import models
from cameras.simulated import write_dataset

SIZE_PX = 256
TRAIN = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from inspection.recipe.setup_file import Setup
from inspection.training.train import TrainingOptions, train_recipe
from models._comparison.process_memory import peak_memory_mb
from models import _torch_teaching, model_class
from models._pixel_model import PixelModel
whole, spared_s = _torch_teaching.teach, [0.0]

def begin(*given, schedule, **named):
    # The steps up to the first check: each check costs alike.
    began = time.process_time()
    found = whole(*given, schedule=replace(schedule, most_steps=schedule.check_every), **named)
    share = schedule.most_steps / schedule.check_every
    spared_s[0] += (share - 1) * (time.process_time() - began)
    return found

if issubclass(model_class(sys.argv[3]), PixelModel):
    _torch_teaching.teach = begin
folder, out, model, size_px = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
options = TrainingOptions(model=model, image_size_px=size_px)
report = train_recipe(folder, out, options=options, setup=Setup())
print(json.dumps({"minutes": round((time.process_time() + spared_s[0]) / 60, 2), "memory_mb": round(peak_memory_mb()),
                  "wall_s": round(report.seconds), "recipe_mb": round(report.recipe_bytes / 1e6, 1)}))
"""


def measured(model: str, pictures: int) -> dict[str, object]:
    """One training, or why it came to nothing."""
    with tempfile.TemporaryDirectory() as temporary:
        parts = Path(temporary, "parts")
        write_dataset(
            parts, n_good=pictures, n_test_good=0, n_defective_per_kind=0, size_px=SIZE_PX, seed=1
        )
        words = [str(parts), str(Path(temporary, "m.recipe")), model, str(SIZE_PX)]
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, *words],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = {"model": model, "pictures": pictures}
    if done.returncode:
        return found | {"error": done.stderr.strip().splitlines()[-1]}
    return found | json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure who is not in the file yet, and print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--models")
    parser.add_argument("--pictures", type=int, default=100)
    options = parser.parse_args()
    ready = [name for name in models.model_names() if models.model_class(name).missing() is None]
    asked = options.models.split(",") if options.models else ready
    options.results.touch()
    rows = [json.loads(line) for line in options.results.read_text("utf-8").splitlines()]
    known = {(row["model"], row["pictures"]) for row in rows}
    for model in asked:
        if (model, options.pictures) not in known:
            rows.append(measured(model, options.pictures))
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    print(
        "| model | good pictures | processor minutes | peak MB | recipe MB |\n|---|---|---|---|---|"
    )
    for row in rows:
        cells = [
            row.get(name, row.get("error", "")) for name in ("minutes", "memory_mb", "recipe_mb")
        ]
        print(f"| {' | '.join(map(str, [row['model'], row['pictures'], *cells]))} |")


if __name__ == "__main__":
    main()
