"""What `inspection records` says and writes, from a real record."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from inspection.cli.records import app
from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, PartRecord, RetentionPolicy, Store, open_store, retain
from inspection.store.filters import ALL_PARTS
from inspection.store.reading import export as records
from inspection.store.reading.export import RecordsError, flat
from inspection.store.reading.flat_columns import HEALTH, LATENCY
from inspection.store.reading.lot_report import as_html, lot_report
from ui.words import Words

MakePart = Callable[..., NewPart]
MORNING = datetime(2026, 3, 5, 6, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def filled(store: Store, make_part: MakePart) -> Store:
    """Ten parts an hour apart in two lots in turn; the third and the eighth fail, the last is dark."""
    verdicts = [Verdict.FAIL if n in (3, 8) else Verdict.PASS for n in range(1, 10)]
    store.add_many(
        [
            make_part(
                verdict, serial=f"=S{n}", lot=f"L<{n % 2}>", station=f"st{n % 2}",
                judged_at=MORNING + timedelta(hours=n),
            )
            for n, verdict in enumerate([*verdicts, Verdict.CANNOT_INSPECT])
        ]
    )  # fmt: skip
    return store


@pytest.fixture
def call(store_url: str, images: Path) -> Callable[..., Result]:
    """Run `inspection records COMMAND STORE …` on the store of this test."""

    def run(command: str, *words: object) -> Result:
        said = [command, store_url, "--images-folder", str(images), *map(str, words)]
        return CliRunner().invoke(app, said)

    return run


def _rows(done: Result) -> list[Any]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_verify_says_well_and_prints_the_head(filled: Store, call: Any) -> None:
    done = call("verify")
    head = filled.head()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(f"as it was written; head 10:{head.hash}\n")
    assert _rows(call("verify", "--json", "--noted", f"10:{head.hash}")) == [
        {"ok": True, "findings": [], "head": {"count": 10, "hash": head.hash}}
    ]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE parts SET verdict = 'PASS' WHERE number = 3", "part 3: changed; its hash"),
        ("DELETE FROM parts WHERE number = 4", "part 4: missing; it was removed"),
        ("DELETE FROM parts WHERE number = 10", "part 10: missing; it was removed from the end"),
    ],
)
def test_verify_names_the_first_fault_and_ends_with_1(
    filled: Store, call: Any, tamper: Any, statement: str, finding: str
) -> None:
    tamper(statement)
    done = call("verify", "--no-pictures")
    assert done.exit_code == 1
    assert done.stdout.startswith(finding)
    assert len(done.stderr.splitlines()) == 1
    assert f": {finding}" in done.stderr
    (said,) = [json.loads(line) for line in call("verify", "--json").stdout.splitlines()]
    assert (said["ok"], said["findings"][0].startswith(finding)) == (False, True)


def test_verify_finds_an_inserted_row_and_a_changed_picture(
    filled: Store, call: Any, tamper: Any
) -> None:
    (first,) = filled.parts(newest_first=False, limit=1)
    path = filled.image_path(first)
    assert path is not None
    path.write_bytes(b"another")
    done = call("verify")
    assert (done.exit_code, done.stdout) == (
        1,
        f"part 1: picture {first.image} was changed; its sha256 does not match\n",
    )
    columns = ", ".join(records.flat(first))
    chosen = columns.replace("number", "11", 1).replace("part_id", "'inserted'")
    tamper(
        f"INSERT INTO parts (format, {columns}) SELECT format, {chosen} FROM parts WHERE number = 1"
    )
    assert "part 11: changed" in call("verify").stdout


def test_verify_finds_a_rewritten_record_by_the_head_noted(filled: Store, call: Any) -> None:
    done = call("verify", "--noted", f"10:{'f' * 64}")
    assert (done.exit_code, "part 10: is not the one noted" in done.stderr) == (1, True)
    assert call("verify", "--noted", "10").exit_code == 2


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ((), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (("--limit", 2), [10, 9]),
        (("--lot", "L<1>", "--verdict", "FAIL"), [8]),
        (("--serial", "=S4"), [5]),
        (("--station", "st0", "--since", "2026-03-05T10:00"), [9, 7, 5]),
        (("--until", "2026-03-05T08:00+01:00"), [1]),
        (("--lot", "none"), []),
        (("--lot", "L<*", "--limit", 2), [10, 9]),
        (("--serial", "=S*", "--verdict", "FAIL"), [8, 3]),
        (("--zone", "rim"), [8, 3]),
        (("--zone", "hub"), []),
        (("--reason", "the file*"), [10]),
        (("--recipe", "c0f*", "--number", 3), [3]),
        (("--product", "none"), []),
        (("--part-id", "none"), []),
    ],
)
def test_list(filled: Store, call: Any, words: tuple[object, ...], numbers: list[int]) -> None:
    assert [row["number"] for row in _rows(call("list", "--json", *words))] == numbers
    lines = call("list", *words).stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == numbers


def test_list_gives_nested_values_as_json(filled: Store, call: Any) -> None:
    (row,) = _rows(call("list", "--json", "--verdict", "FAIL", "--limit", 1))
    assert row["regions"][0]["zone"] == "rim"
    assert row["latency_ms"] == {"score": 8.8, "total": 12.1}
    assert (row["score"], row["judged_at"]) == (1 / 3, "2026-03-05T13:00:00+00:00")


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--verdict", "GOOD"),
        ("list", "--since", "noon"),
        ("list", "--limit", 0),
        ("retain",),
    ],
)
def test_a_wrong_option_is_a_usage_error(filled: Store, call: Any, words: Any) -> None:
    done = call(*words)
    assert (done.exit_code, done.stdout) == (2, "")


def test_export_to_csv_with_pictures(filled: Store, call: Any, tmp_path: Path) -> None:
    out, pictures = tmp_path / "out.csv", tmp_path / "pictures"
    (said,) = _rows(call("export", out, "--images", pictures, "--lot", "L<1>", "--json"))
    assert said == {"parts": 5, "images": 4, "images_missing": 0}
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["2", "4", "6", "8", "10"]
    assert (rows[3]["verdict"], rows[3]["serial"]) == ("FAIL", "'=S7")
    assert (float(rows[0]["score"]), rows[4]["score"]) == (1 / 3, "")
    assert json.loads(rows[3]["regions"])[0]["label"] == "scratch"
    copied = {path.relative_to(pictures).as_posix() for path in pictures.rglob("*.png")}
    assert copied == {row["image"] for row in rows if row["image"]}
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_list_and_export_say_what_people_say_a_part_is(
    filled: Store, call: Any, tmp_path: Path
) -> None:
    first, second, third, *_ = (part.part_id for part in filled.parts(newest_first=False))
    filled.add_event(first, "label", "mia", detail={"label": "NG", "defect": "dent"})
    filled.add_event(second, "label", "mia", detail={"label": "OK"})
    filled.add_event(second, "disagree", "oli")
    filled.add_event(third, "disagree", "oli")
    truths = [("NG", "dent"), ("DISPUTED", None), (None, None)]
    rows = _rows(call("list", "--json", "--until", "2026-03-05T08:30"))[::-1]
    assert [(row["truth"], row["defect"]) for row in rows] == truths
    lines = call("list", "--until", "2026-03-05T08:30").stdout.splitlines()[::-1]
    assert [line.partition("  labelled ")[2] for line in lines] == ["NG dent", "DISPUTED", ""]
    out = tmp_path / "out.csv"
    assert call("export", out).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:3]
    assert [(row["truth"] or None, row["defect"] or None) for row in rows] == truths


def test_export_has_the_operators_reason_and_single_values_of_what_is_nested(
    filled: Store, call: Any, tmp_path: Path
) -> None:
    third = filled.parts(newest_first=False)[2]
    said = {"reason": "dirt", "comment": "=oil"}
    filled.add_event(third.part_id, "acknowledge", "oli", detail=said)
    filled.add_event(third.part_id, "acknowledge", "mia", detail={"reason": "damage"})
    filled.add_event(third.part_id, "disagree", "oli", detail={"comment": "clean now"})
    out = tmp_path / "out.csv"
    assert call("export", out).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first, bad = rows[0], rows[2]
    names = list(first)
    assert names[names.index("truth") - 2 :][:9] == [
        "reason_code", "reason_values", "truth", "defect", "acknowledged_by", "acknowledged_reason",
        "acknowledged_comment", "disagreed_by", "disagreed_comment",
    ]  # fmt: skip
    assert [bad[name] for name in names if name.startswith(("acknowledged", "disagreed"))] == [
        "oli", "dirt", "'=oil", "oli", "clean now",
    ]  # fmt: skip
    region = third.regions[0]
    assert (bad["worst_zone"], bad["worst_type"]) == (region.zone, region.label)
    assert (float(bad["worst_area_px"]), float(bad["worst_peak"])) == (
        region.area_px,
        region.peak_score,
    )
    for row, record in zip(rows, filled.parts(newest_first=False), strict=True):
        assert float(row["health_sharpness"] or "nan") == pytest.approx(
            record.health.get("sharpness", math.nan), nan_ok=True
        )
        assert float(row["latency_total_ms"] or "nan") == pytest.approx(
            record.latency_ms.get("total", math.nan), nan_ok=True
        )
    assert (first["worst_zone"], first["worst_peak"], first["acknowledged_by"]) == ("", "", "")


def test_what_the_page_names_of_health_and_latency_has_a_column() -> None:
    groups = {"health": set(HEALTH), "latency": set(LATENCY)}
    named = {key.removeprefix("measures.") for key in Words().keys if key.startswith("measures.")}
    for group, names in groups.items():
        assert names == {
            each.removeprefix(f"{group}_") for each in named if each.startswith(f"{group}_")
        }


def test_export_to_parquet(filled: Store, call: Any, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    assert call("export", out).exit_code == 0
    rows = parquet.read_table(out).to_pylist()
    assert [row["number"] for row in rows] == list(range(1, 11))
    assert (rows[0]["score"], rows[9]["score"], rows[9]["verdict"]) == (
        1 / 3,
        None,
        "CANNOT_INSPECT",
    )


def test_export_goes_through_many_pages(
    filled: Store, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PAGE", 3)
    monkeypatch.setattr(records, "_WRITE_AT_ONCE", 4)
    out = tmp_path / "out.csv"
    assert _rows(call("export", out, "--json"))[0]["parts"] == 10
    assert len(out.read_text().splitlines()) == 11
    assert [part.number for part in records.newest(filled, ALL_PARTS, 7)] == [10, 9, 8, 7, 6, 5, 4]


def test_an_export_that_fails_keeps_the_earlier_file(
    filled: Store, tmp_path: Path, tamper: Any
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("earlier")
    with pytest.raises(RecordsError, match=r"unknown kind of file '.xls'; .* .csv or .parquet"):
        records.export(filled, ALL_PARTS, out.with_suffix(".xls"))
    tamper("UPDATE parts SET verdict = 'MAYBE' WHERE number = 7")
    with pytest.raises(Exception, match="part 7: its row cannot be read"):
        records.export(filled, ALL_PARTS, out)
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.csv"]
    assert out.read_text() == "earlier"


def test_export_counts_the_pictures_that_are_gone(filled: Store, call: Any, tmp_path: Path) -> None:
    retain(filled, RetentionPolicy(rejects_days=0), MORNING + timedelta(days=1))
    done = call("export", tmp_path / "out.csv", "--images", tmp_path / "pictures")
    assert done.stdout.endswith("10 parts, 7 pictures; 2 pictures are gone\n")


def test_the_report_of_a_lot(filled: Store, call: Any) -> None:
    (said,) = _rows(call("report", "--lot", "L<1>", "--json"))
    head = filled.head()
    assert {name: said[name] for name in said if name not in ("made_at", "note")} == {
        "lot": "L<1>", "parts": 5,
        "verdicts": {"PASS": 3, "FAIL": 1, "REVIEW": 0, "CANNOT_INSPECT": 1},
        "outside_yield": 0, "yield_share": 0.6,
        "reasons": {"the rim is scratched": 1, "the file is damaged": 1},
        "zones": {"rim": 1},
        "first_at": "2026-03-05T07:00:00+00:00", "last_at": "2026-03-05T15:00:00+00:00",
        "recipes": {"c0ffee": 5}, "stations": {"st1": 5},
        "first_number": 2, "last_number": 10,
        "chain_count": 10, "chain_hash": head.hash,
        "faults": [], "verified": True, "pictures_read": True,
    }  # fmt: skip
    assert "cannot know them" in said["note"]


def test_a_part_there_was_no_recipe_for_is_not_in_the_yield(filled: Store, call: Any) -> None:
    none = Judgement(
        verdict=Verdict.CANNOT_INSPECT, recipe_id="",
        cause=Reason("no_recipe", {"product": "new", "allowed": "flange"}),
    )  # fmt: skip
    filled.add_many([NewPart(judgement=none, lot="L<1>") for _ in range(5)])
    (said,) = _rows(call("report", "--lot", "L<1>", "--json"))
    assert (said["parts"], said["outside_yield"], said["yield_share"]) == (10, 5, 0.6)
    assert said["verdicts"]["CANNOT_INSPECT"] == 6
    text = call("report", "--lot", "L<1>").stdout
    assert "uninspected  5 parts, not in the yield" in text
    filled.add(NewPart(judgement=none, lot="L<9>"))
    (said,) = _rows(call("report", "--lot", "L<9>", "--json"))
    assert (said["outside_yield"], said["yield_share"]) == (1, 0.0)


def test_the_report_as_page_and_file(filled: Store, call: Any, tmp_path: Path) -> None:
    page, data = tmp_path / "lot.html", tmp_path / "lot.json"
    assert call("report", "--lot", "L<1>", "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<h1>Lot L&lt;1&gt;</h1>" in text
    assert "L<1>" not in text
    assert "<td>60.00%</td>" in text
    assert "every row and picture is as it was recorded" in text
    assert "://" not in text  # needs nothing from elsewhere
    assert call("report", "--lot", "L<1>", "--out", data).exit_code == 0
    assert json.loads(data.read_text(encoding="utf-8"))["parts"] == 5
    text = call("report", "--lot", "L<1>", "--no-pictures").stdout
    assert "yield        60.00%" in text
    assert "verified: every row (pictures were not read) is as it was recorded" in text


def test_the_report_says_when_the_record_does_not_hold(
    filled: Store, call: Any, tamper: Any
) -> None:
    tamper("UPDATE parts SET verdict = 'PASS' WHERE number = 3")
    done = lot_report(filled, "L<0>")
    assert done.faults == ("part 3: changed; its hash does not match its fields",)
    assert "NOT verified; faults in the record: 1" in as_html(done)
    assert "FAULT part 3: changed" in call("report", "--lot", "L<0>").stdout


def test_a_lot_that_is_not_there(filled: Store, call: Any) -> None:
    done = call("report", "--lot", "L9")
    assert isinstance(done.exception, RecordsError)
    assert str(done.exception).startswith("lot 'L9': no part of it is in the record ")


def test_retain_on_the_command_line(filled: Store, call: Any) -> None:
    words = ("retain", "--rejects-days", 0, "--keep-every", 2)
    (said,) = _rows(call(*words, "--dry-run", "--json"))
    assert (said["removed"], said["dry_run"]) == ({"keep_every": 4, "rejects_days": 2}, True)
    assert (
        "pictures would be removed: keep_every 4, rejects_days 2;"
        in call(*words, "--dry-run").stdout
    )
    filled.close()
    done = call(*words)
    assert done.exit_code == 0
    assert done.stdout.startswith("pictures removed: keep_every 4, rejects_days 2;")
    short = call("retain", "--free-gb", 1e9)
    assert isinstance(short.exception, RecordsError)
    assert "no picture is left that may be removed" in str(short.exception)
    assert call("verify").exit_code == 0


def test_retain_makes_no_store(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["retain", str(tmp_path / "no.db"), "--rejects-days", "1"])
    assert "is not there; check the path" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_json_text_stays_json_with_numbers_that_are_not_finite(
    tmp_path: Path, make_part: MakePart
) -> None:
    new = make_part()
    odd = replace(new.judgement, health={"sharpness": float("nan")})
    with open_store(tmp_path / "parts.db") as store:
        record: PartRecord = store.add(make_part(judgement=odd))
    assert records.flat(record)["health"] == '{"sharpness":"NaN"}'


def test_the_commands_load_nothing_heavy() -> None:
    script = (
        "import sys, inspection.cli.records; "
        "print(*{'sqlalchemy', 'numpy', 'torch', 'cv2', 'pyarrow', 'inspection.store'} "
        "& sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "\n"


def test_every_command_and_option_is_in_the_manual() -> None:
    import typer.main

    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    group: Any = typer.main.get_command(app)
    said = {f"`{name}`" for name in group.commands}
    for command in group.commands.values():
        for option in command.params:
            names = [*option.opts, *option.secondary_opts]
            said |= {f"`{name}`" for name in names if name.startswith("--")}
    assert len(said) > 15
    assert [name for name in sorted(said) if name not in page] == []


def test_the_template_a_part_was_compared_with_is_hashed_and_exported(
    store: Store, make_part: MakePart
) -> None:
    added = store.add(make_part(template_sha256="ab12"))
    unseen = store.add(make_part(Verdict.CANNOT_INSPECT, template_sha256="cd34"))
    assert "template_sha256" not in store.add(make_part()).capture
    assert json.loads(flat(added)["capture"])["template_sha256"] == "ab12"
    assert json.loads(flat(unseen)["capture"]) == {"template_sha256": "cd34"}
    assert list(store.verify()) == []
