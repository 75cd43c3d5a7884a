"""What the manual says of each model is what the model says of itself."""

from __future__ import annotations

import re
from pathlib import Path

from models import Needs, model_class, model_names

TABLE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| good pictures only[^|]*\| [^|]+ \| ([^|]+) \|$", re.M)


def cost(needs: Needs) -> str:
    if needs.minutes is None or needs.memory_mb is None:
        return "not measured"
    return f"{needs.minutes:g} min, {needs.memory_mb:,} MB"


def test_every_model_has_its_row_with_what_it_needs() -> None:
    rows = {name: (family, told) for name, family, told in ROW.findall(TABLE)}
    kinds = {name: model_class(name) for name in model_names()}
    assert rows == {name: (kind.family, cost(kind.needs)) for name, kind in kinds.items()}
    assert "| `--template` | template |" in TABLE
