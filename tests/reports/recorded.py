"""A station's record of two days: drawn parts judged by the shared recipe, with what people said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cameras import list_images
from inspection.judgement import Verdict
from inspection.judging.judge import load_recipe
from inspection.judging.picture_files import judge_files
from inspection.store import NewPart, Store, open_store
from inspection.store.event_kinds import ActionKind, EventKind
from tests.ui.conftest import STATION, station_folder

FIRST = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
STEP = timedelta(minutes=45)
KINDS = ("missing_feature", "stain", "scratch")


def pictures_of(line: Any) -> list[Path]:
    """Good test pictures and defective ones, in turn."""
    good = list_images(line.dataset / "test" / "good")
    folders = sorted(path for path in (line.dataset / "test").iterdir() if path.name != "good")
    bad = [path for folder in folders for path in list_images(folder)]
    return [path for pair in zip(good, bad, strict=False) for path in pair]


def recorded(folder: Path, line: Any, *, repeat: int = 1, first: datetime = FIRST) -> Path:
    """Fill a station's record; give the station file. Every second part is a defective one."""
    station_folder(folder, line, STATION.format(top="", view="", rest=""))
    recipe = load_recipe(folder / "flange.recipe")
    with open_store(folder / "parts.db") as store:
        for number, found in enumerate(judge_files(repeat * pictures_of(line), recipe)):
            new = NewPart(
                judgement=found.judgement,
                station="line-1",
                product="flange",
                lot="L<1>" if number % 3 else "로트-2",
                serial=f"S{number:03}",
                image_bytes=found.data,
                judged_at=first + number * STEP,
            )
            store.add(new)
        detail = {"recipe_id": recipe.id, "file": str(folder / "flange.recipe")}
        store.add_action(ActionKind.RECIPE_ON_LINE, "mia", detail=detail)
        _say(store)
    return folder / "station.toml"


def _say(store: Store) -> None:
    """Every second part is labelled NG, the first six good ones OK; two rejects are acknowledged."""
    parts = store.parts(limit=1000, newest_first=False)
    for number, part in enumerate(parts):
        if number % 2:
            detail: dict[str, Any] = {"label": "NG", "defect": KINDS[number // 2 % 2]}
            store.add_event(part.part_id, EventKind.LABEL, "mia", detail=detail)
        elif number < 12:
            store.add_event(part.part_id, EventKind.LABEL, "mia", detail={"label": "OK"})
    rejects = [part for part in parts if part.verdict is not Verdict.PASS]
    for part, reason in zip(rejects, ("dirt", "dirt", "defect"), strict=False):
        store.add_event(part.part_id, EventKind.ACKNOWLEDGE, "oli", detail={"reason": reason})
    store.add_event(rejects[0].part_id, EventKind.DISAGREE, "oli", detail={"comment": "clean"})
