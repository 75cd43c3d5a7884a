"""Records as the program wrote them before there were codes: their rows, and every sentence it knew."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inspection.store import migrations, open_store

ROWS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("rows_before_codes.json").read_text("utf-8")
)
"""As the program of before wrote them, with their hashes."""
BEFORE_CODES = 5


def write_old_store(path: Path) -> None:
    """Make a SQLite record of that version with these rows."""
    with pytest.MonkeyPatch.context() as old:
        old.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:BEFORE_CODES])
        open_store(path).close()
    with closing(sqlite3.connect(path)) as database, database:
        for row in ROWS:
            marks = ", ".join("?" * len(row))
            database.execute(
                f"INSERT INTO parts ({', '.join(row)}) VALUES ({marks})", list(row.values())
            )
        end = (len(ROWS), ROWS[-1]["hash"])
        database.execute("UPDATE chain SET count = ?, hash = ? WHERE name = 'parts'", end)


OLD_SENTENCES = [
    ("too dark: brightness 3.1, at least 12 wanted", "too_dark", {"value": 3.1, "limit": 12}),
    ("too bright: brightness 250, at most 240.5 allowed", "too_bright", {"value": 250, "limit": 240.5}),
    (
        "too flat: no part in view, lens covered or far out of focus: contrast 1, at least 9 wanted",
        "too_flat",
        {"value": 1, "limit": 9},
    ),
    ("too much contrast: contrast 90, at most 80 allowed", "too_much_contrast", {"value": 90, "limit": 80}),
    ("blurred: sharpness 1, at least 2 wanted", "blurred", {"value": 1, "limit": 2}),
    (
        "sharper or noisier than the good parts: sharpness 9, at most 2 allowed",
        "too_sharp",
        {"value": 9, "limit": 2},
    ),
    ("over-exposed: saturated_share 0.5, at most 0.1 allowed", "over_exposed", {"value": 0.5, "limit": 0.1}),
    ("colours missing: colour 1, at least 2 wanted", "colours_missing", {"value": 1, "limit": 2}),
    ("colours too strong: colour 9, at most 2 allowed", "colours_too_strong", {"value": 9, "limit": 2}),
    (
        "no part or a different part in view: alignment 0.1, at least 0.4 wanted",
        "other_part",
        {"value": 0.1, "limit": 0.4},
    ),
    (
        "no part or a different part in view: likeness to the reference 0.12, at least 0.4 wanted",
        "other_part",
        {"value": 0.12, "limit": 0.4},
    ),
    (
        "no part or a different part in view: strangeness 9.1, at most 4 allowed",
        "unlike_good_parts",
        {"value": 9.1, "limit": 4},
    ),
    ("part out of place: shifted 40 px, 20 allowed", "out_of_place", {"value": 40, "limit": 20}),
    ("part turned: 9.0 degrees, 5.0 allowed", "turned", {"value": 9.0, "limit": 5.0}),
    (
        "part partly out of view: 12% of what is to be inspected lies outside the picture",
        "partly_out_of_view",
        {"percent": 12},
    ),
    ("nothing to inspect: the region of interest is empty in this picture", "nothing_to_inspect", {}),
    (
        "wrong size: height 20 px, 64 to 400 px wanted",
        "wrong_size",
        {"side": "height", "value": 20, "low": 64, "high": 400},
    ),
    (
        "wrong size: width 20 px, 64 px wanted",
        "wrong_size",
        {"side": "width", "value": 20, "low": 64, "high": 64},
    ),
    ("corrupt picture from camera top", "broken_picture", {"status": "corrupt", "camera": "top"}),
    ("frozen camera: the picture is identical to the one before it", "frozen", {}),
    (
        "no picture in time: camera simulated: no picture in 2.0 s",
        "picture_late",
        {"error": "camera simulated: no picture in 2.0 s"},
    ),
    ("no picture: camera basler is lost", "no_picture", {"error": "camera basler is lost"}),
    ("the camera lost this part's picture", "picture_lost", {}),
    ("its picture was dropped: the camera had got out of step", "out_of_step", {}),
    (
        "camera simulated: all 12 parts are made",
        "end_of_pictures",
        {"error": "camera simulated: all 12 parts are made"},
    ),
    (
        "picture 'a.png' is empty (0 bytes); allowed: PNG",
        "unreadable",
        {"error": "picture 'a.png' is empty (0 bytes); allowed: PNG"},
    ),
    ("station busy: 4 parts are waiting", "busy", {"count": 4}),
    (
        "product 'gear': no recipe for it; allowed: flange",
        "no_recipe",
        {"product": "gear", "allowed": "flange"},
    ),
    ("no code in the picture names the product", "no_code", {}),
    (
        "the code names the product 'gear': no recipe for it; allowed: flange",
        "no_recipe_for_code",
        {"product": "gear", "allowed": "flange"},
    ),
    (
        "the code names the product 'gear', the trigger 'flange'",
        "code_contradicts",
        {"product": "gear", "trigger": "flange"},
    ),
    ("the station is paused", "paused", {}),
    ("late: no verdict within the 300 ms allowed", "late", {"value": 300}),
    ("late: not recorded within the 400 ms allowed", "record_waits", {"value": 400}),
    ("late: the deadline passed before the picture was taken", "late_picture", {}),
    (
        "recorded 12 ms after the deadline: the line was told to reject",
        "late_record",
        {"value": 12},
    ),
    ("not recorded in time: store x: cannot add part", "not_recorded", {"error": "store x: cannot add part"}),
    ("the line was told to reject before this was recorded", "told_reject", {}),
    ("refused: the record was out of reach", "refused", {}),
    ("refused: the record is out of reach", "refused", {}),
    ("the station was restarted before this part was judged", "restarted", {}),
    ("the station stopped: camera basler is gone", "stopped", {"error": "camera basler is gone"}),
    ("unexpected ValueError: 1\n2", "own_fault", {"error": "ValueError: 1\n2"}),
]  # fmt: skip
