"""Peak memory and time of training as the number of pictures grows.

    python benchmarks/memory.py FOLDER_OF_GOOD_PICTURES COUNT [COUNT ...]

Pictures are linked again and again, each link with a pixel of its own changed, until there are COUNT.
Each COUNT is trained in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

TRAIN = """
import resource, sys, json
from pathlib import Path
from inspection.recipe.setup_file import Setup
from inspection.training.train import TrainingOptions, train_recipe
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
report = train_recipe(folder, out, options=TrainingOptions(), setup=Setup())
line = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")][0]
print(json.dumps({"n": report.n_good, "seconds": round(report.seconds, 1),
                  "peak_mb": int(line.split()[1]) // 1024, "recipe_mb": report.recipe_bytes / 1e6}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("counts", type=int, nargs="+")
    options = parser.parse_args()
    sources = [cv2.imread(str(p)) for p in sorted(options.folder.iterdir())[:200]]
    for count in options.counts:
        with tempfile.TemporaryDirectory() as temporary:
            pictures = Path(temporary, "good")
            pictures.mkdir()
            for number in range(count):
                image = cv2.resize(sources[number % len(sources)], (256, 256))
                image[number // 256 % 256, number % 256] ^= 255
                cv2.imwrite(str(pictures / f"{number:06d}.png"), image)
            command = [sys.executable, "-c", TRAIN, str(pictures), str(Path(temporary, "m.recipe"))]
            print(
                subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            )


if __name__ == "__main__":
    main()
