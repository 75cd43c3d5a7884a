"""`kill -9` at random moments, also while a recipe is exchanged: nothing lost, nothing twice."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.station.recipe_library import KEPT_RECIPES
from inspection.station.station_file import read_station
from inspection.store import open_store
from tests.attack.conftest import LONG
from tests.faults import test_kill

pytestmark = pytest.mark.slow
KILLS = 100 if LONG else 8
EXCHANGE = """
import sys
from pathlib import Path
from inspection.station.recipe_library import swap
one, other, target, kept = map(Path, sys.argv[1:])
print("begun", flush=True)
while True:
    swap(one, target, kept)
    swap(other, target, kept)
"""


def test_kills_of_a_station(
    line: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_kill, "KILLS", KILLS)
    test_kill.test_killed_at_random_moments(line, tmp_path, capsys)


def test_kills_while_recipes_are_exchanged(line: Any, tmp_path: Path, figures: Any) -> None:
    from inspection.station.recipe_library import settle_exchanges

    text = test_kill.STATION.format(recipe="flange.recipe")
    (tmp_path / "station.toml").write_text(text, "utf-8")
    target, new = tmp_path / "flange.recipe", tmp_path / "new.recipe"
    shutil.copy(line.recipe_path, target)
    made = open_recipe(target)
    other = Recipe(
        replace(made.settings, product="another"), scores=made.scores, appearance=made.appearance,
        program=made.program_bytes, references=made.references,
    )  # fmt: skip
    ids = {made.id, write_recipe(other, new).id}
    settings, chance, undone = read_station(tmp_path / "station.toml"), random.Random(1), 0
    kept = settings.page_folder / KEPT_RECIPES
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", EXCHANGE, *map(str, (new, line.recipe_path, target, kept))],
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        spares = len(list(tmp_path.glob(".flange.recipe.*")))
        with open_store(settings.record) as store:
            settle_exchanges(settings, store)
        undone += bool(spares)
        assert open_recipe(target).id in ids
        assert not list(tmp_path.glob(".flange.recipe.*.before"))
    figures(f"{KILLS} kills of an exchange of recipes: {undone} were cut short and settled")
