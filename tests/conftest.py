"""One drawn dataset and one recipe learnt from it, shared by every test that judges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras import Frame, read_image
from cameras.simulated import write_dataset

REPOSITORY = Path(__file__).parents[1]
SIZE_PX = 256
START = "from inspection.cli import main; main()"

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The dataset in the MVTec layout, its recipe, and what the training printed."""

    dataset: Path
    recipe_path: Path
    trained: dict[str, Any]

    def good(self, number: int = 0) -> Image:
        """Give a good picture that was not learnt from."""
        return read_image(self.dataset / "test" / "good" / f"{number:04d}.png")

    def learnt(self, number: int = 0) -> Image:
        return read_image(self.dataset / "train" / "good" / f"{number:04d}.png")

    def defective(self, kind: str = "missing_feature", number: int = 0) -> Image:
        return read_image(self.dataset / "test" / kind / f"{number:04d}.png")


def run_cli(*words: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, words)],
        cwd=cwd, env=cli_environment(**variables), capture_output=True, text=True, timeout=500,
        check=False,
    )  # fmt: skip


def cli_environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1", **variables}


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Draw parts and learn a recipe from them by the command line."""
    folder = tmp_path_factory.mktemp("line")
    dataset, recipe = folder / "parts", folder / "flange.recipe"
    write_dataset(
        dataset, n_good=40, n_test_good=12, n_defective_per_kind=4, size_px=SIZE_PX, seed=1
    )
    setup = folder / "setup.toml"
    setup.write_text('product = "flange"\nscale_mm_per_px = 0.25\n', encoding="utf-8")
    done = run_cli(
        "train", dataset, "--recipe", recipe, "--image-size", SIZE_PX, "--false-reject", 0.1,
        "--setup", setup, "--json", cwd=folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return Line(dataset=dataset, recipe_path=recipe, trained=json.loads(done.stdout))


@pytest.fixture(scope="session")
def recipe(line: Line) -> Any:
    """Open the shared recipe; tests must not change it."""
    from inspection.recipe import open_recipe

    return open_recipe(line.recipe_path)


@pytest.fixture
def with_setup(recipe: Any) -> Callable[..., Any]:
    """Give the shared recipe with other set-up fields and nothing learnt anew."""
    from inspection.recipe import Recipe

    def change(**fields: Any) -> Recipe:
        settings = replace(recipe.settings, setup=replace(recipe.settings.setup, **fields))
        return Recipe(
            settings,
            scores=recipe.scores,
            appearance=recipe.appearance,
            program=recipe.program_bytes,
            references=recipe.references,
            recipe_id=recipe.id,
        )

    return change


@pytest.fixture
def frame_of() -> Callable[..., Frame]:
    """Make a frame of a picture; other fields may be given."""

    def make(image: Image, **fields: Any) -> Frame:
        fields = {"camera": "top", "sequence": 0, "captured_at": datetime.now(UTC)} | fields
        return Frame(image=image, **fields)

    return make


@pytest.fixture
def spotted() -> Callable[..., Image]:
    """Paint a dark spot on a copy of a picture: a defect nobody misses, at a known place."""

    def paint(image: Image, x_px: int, y_px: int, *, radius_px: int = 10) -> Image:
        return cv2.circle(image.copy(), (x_px, y_px), radius_px, (15, 15, 15), -1, cv2.LINE_AA)

    return paint


@pytest.fixture(scope="session")
def cli_in() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `inspection WORDS…` in the folder given first, in a process of its own."""
    return lambda folder, *words, **variables: run_cli(*words, cwd=folder, **variables)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `inspection WORDS…` in the test's folder, in a process of its own."""
    return lambda *words, **variables: run_cli(*words, cwd=tmp_path, **variables)


@pytest.fixture
def failure(
    cli: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., str]:
    """Run a command that must end with exit code 1; give its one line without the name."""

    def fail(*words: object, **variables: str) -> str:
        done = cli(*words, **variables)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("inspection: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert "unexpected" not in done.stderr
        return done.stderr.removeprefix("inspection: ").rstrip("\n")

    return fail
