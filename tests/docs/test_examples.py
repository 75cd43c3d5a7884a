"""The console examples of README and the manual are typed as they stand, and answer as they say."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

ENDLESS = {
    "inspection ui docs/examples/station.toml",  # tests/ui opens it in a browser
}
NAMES = {"PICTURES": "metal_nut", "BAD": "metal_nut/test"}
"""What a reader is to put in place of a word in capitals."""
SYNOPSIS = re.compile(r"[\[\]|…]|\b(?:COMMAND|DATASET|RECIPE|STORE|STATION\.toml|FILE FOLDER)\b")
"""How a synopsis is told from an example."""


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a page with the lines it is said to print; `…` stands for those left out."""

    page: str
    command: str
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {self.command}"


def examples() -> list[Example]:
    """Collect every example that stands in an indented block."""
    examples: list[Example] = []
    for path in PAGES:
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            match = re.fullmatch(r" {4}(?:\$ )?(inspection .+)", line)
            if not match or SYNOPSIS.search(match[1]):
                continue
            output = []
            for after in lines[number + 1 :]:
                if not after.startswith("    ") or not after.strip():
                    break
                if after.strip() != "…":
                    output.append(after[4:])
            shown = output if line.startswith("    $") else []
            examples.append(Example(path.name, match[1], tuple(shown)))
    return examples


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder in which a reader of the manual could type: pictures, set-up, recipe, record."""
    folder = tmp_path_factory.mktemp("reader")
    parts = folder / "metal_nut"
    shutil.copytree(line.dataset / "train", parts / "train")
    shutil.copytree(line.dataset / "test" / "good", parts / "test" / "good")
    shutil.copytree(line.dataset / "test" / "missing_feature", parts / "test" / "scratch")
    shutil.copytree(line.dataset / "test" / "scratch", parts / "test" / "bent")
    shutil.copytree(line.dataset / "train", folder / "boards" / "train")
    shutil.copytree(line.dataset / "train" / "good", folder / "templates")
    (folder / "boards" / "new").symlink_to(folder / "templates")
    (folder / "pictures").symlink_to(parts / "test" / "good")
    (folder / "docs").mkdir()
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    (folder / "nut.toml").write_text('product = "nut M12"\nscale_mm_per_px = 0.05\n', "utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", [each for each in examples() if each.command not in ENDLESS], ids=str
)
def test_an_example_runs_and_answers_as_it_says(
    example: Example, folder: Path, line: Any, cli_in: Callable[..., Any]
) -> None:
    if not (folder / "nut.recipe").exists():
        shutil.copyfile(line.recipe_path, folder / "nut.recipe")
    if not (folder / "parts.db").exists():
        assert (
            cli_in(folder, "inspect", "nut.recipe", "pictures", "--store", "parts.db").stderr == ""
        )
    words = [NAMES.get(word, word) for word in shlex.split(example.command)[1:]]
    done = cli_in(folder, *words)
    assert done.returncode in (0, 3), done.stderr
    assert "inspection: " not in done.stderr
    printed = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for expected in example.output:
        pattern = alike(expected)
        assert any(pattern.fullmatch(line) for line in printed), (expected, done.stdout)


def alike(line: str) -> re.Pattern[str]:
    """Match a line that says the same with other numbers, verdicts, ids and units of area."""
    pattern = re.escape(" ".join(line.split()))
    pattern = re.sub(r"\b[0-9a-f]{12}\b", "<id>", pattern)
    pattern = re.sub(r"\d+(?:\\\.\d+)?", r"[\\d.]+", pattern)
    pattern = re.sub(r"\b(?:PASS|FAIL|REVIEW)\b", "(?:PASS|FAIL|REVIEW)", pattern)
    pattern = re.sub(r"places?\\ ", r"places?\\ ", pattern)
    return re.compile(pattern.replace("<id>", "[0-9a-f]{12}"))


def test_there_are_examples() -> None:
    pages = {example.page for example in examples()}
    assert {"README.md", "judging.md", "records.md", "running.md", "training.md"} <= pages
    assert {example.command for example in examples()} >= ENDLESS
