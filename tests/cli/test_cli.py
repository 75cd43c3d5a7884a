"""The command line as people and programs use it: exit codes, texts, JSON, files and rows."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer

from cameras import camera_names, read_image
from inspection.cli import app, stations
from inspection.judging.overlay import draw, write_overlay
from inspection.store import open_store
from models import anomalib_not_taken, model_names
from models.sequence import method_names
from models.supervised import METHODS

REPOSITORY = Path(__file__).parents[2]
MANUAL = REPOSITORY / "docs" / "command-line.md"
MODELS = [
    *model_names(),
    *(f"sequence/{name}" for name in method_names()),
    *(f"supervised/{name}" for name in METHODS),
    "template",
]

TRAINED = {
    "n_good", "seconds", "threshold", "false_reject_promised", "false_reject_asked",
    "images_needed", "recipe_bytes", "recipe_id",
}  # fmt: skip
TRAINED_TOO = {
    "false_reject_bound", "fail_threshold", "review_asked", "review_estimated", "review_ci95", "effort",
    "canvas", "scale", "parity", "hygiene", "drawn_escapes", "warnings", "tested",
}  # fmt: skip
JUDGED = {
    "image", "verdict", "score", "p_value", "threshold", "regions", "reason", "recipe_id",
    "latency_ms",
}  # fmt: skip
REGION = {
    "x_px", "y_px", "width_px", "height_px", "area_px", "area_mm2", "peak_score", "zone",
}  # fmt: skip
EVALUATED = {
    "n_good", "n_defective", "image_auroc", "pixel_auroc", "aupro", "escape_rate", "escape_ci95",
    "overkill_rate", "overkill_ci95", "good_fail_rate", "good_fail_ci95", "good_review_rate",
    "good_review_ci95", "region_hit_rate", "region_hit_ci95", "region_area_ratio", "per_defect",
    "latency_ms_p50", "latency_ms_p95",
}  # fmt: skip


def save(path: Path, image: Any) -> Path:
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(row) for row in done.stdout.splitlines()]


def test_training_prints_what_was_promised(line: Any) -> None:
    assert set(line.trained) >= TRAINED | TRAINED_TOO
    assert list(line.trained)[: len(TRAINED)] == [
        "n_good", "seconds", "threshold", "false_reject_promised", "false_reject_asked",
        "images_needed", "recipe_bytes", "recipe_id",
    ]  # fmt: skip
    assert line.trained["n_good"] == 40
    assert line.trained["false_reject_promised"] == pytest.approx(4 / 41)
    assert line.trained["false_reject_asked"] == 0.1
    assert line.trained["images_needed"] == 0
    assert line.trained["parity"] <= 1e-3
    assert line.trained["threshold"] <= line.trained["fail_threshold"]
    assert (line.trained["review_asked"], line.trained["effort"]) == (0.05, "balanced")
    low, high = line.trained["review_ci95"]
    assert 0 <= low < line.trained["review_estimated"] < high <= 1
    # What does not pass holds what fails: no smaller share can be estimated than is promised.
    assert line.trained["review_estimated"] >= line.trained["false_reject_promised"]
    assert line.trained["tested"]["n_defective"] == 20


def test_training_says_that_small_defects_are_lost_in_small_pictures(line: Any, cli: Any) -> None:
    good = Path(line.dataset) / "train" / "good"
    done = cli("train", good, "--recipe", "small.recipe", "--image-size", line.good().shape[0] // 2)
    assert (
        "sees the pictures at 50% of their size: a defect 8 px wide is 4 px to it. For smaller ones "
        "try --effort thorough." in done.stdout
    )
    assert line.trained["scale"] == 1.0


def test_the_simulated_defects_are_told_from_good_parts(line: Any) -> None:
    tested = line.trained["tested"]
    assert tested["image_auroc"] >= 0.8
    assert tested["per_defect"]["missing_feature"]["image_auroc"] >= 0.95
    assert tested["overkill_rate"] <= 0.34


def test_judging_with_every_kind_of_file(line: Any, cli: Any, spotted: Any, tmp_path: Path) -> None:
    """One run: pictures good and bad, files that are none; each has its verdict, row and picture."""
    folder = tmp_path / "parts"
    folder.mkdir()
    good = [save(folder / f"good_{n}.png", line.good(n)) for n in range(4)]
    bad = save(folder / "spot.png", spotted(line.good(), 64, 100))
    text = folder / "text.png"
    text.write_text("no picture", encoding="utf-8")
    cut = folder / "cut.jpg"
    jpeg = cv2.imencode(".jpg", line.good())[1].tobytes()
    cut.write_bytes(jpeg[: len(jpeg) // 2])
    wide = save(folder / "wide.png", np.full((8, 20_000, 3), 90, np.uint8))
    video = tmp_path / "film.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    done = cli(
        "inspect", line.recipe_path, folder, video, "--out", "seen", "--store", "parts.db", "--json"
    )
    assert (done.returncode, done.stderr) == (3, "")
    rows = {Path(row["image"]).name: row for row in rows_of(done)}
    assert len(rows) == 9
    for row in rows.values():
        assert set(row) >= JUDGED
        assert next(iter(row)) == "image"
        assert row["recipe_id"] == line.trained["recipe_id"]
        assert row["latency_ms"]["total"] >= 0
        assert all(set(region) >= REGION for region in row["regions"])
    assert rows["spot.png"]["verdict"] == "FAIL"
    assert rows["spot.png"]["regions"][0]["area_mm2"] > 0
    assert rows["spot.png"]["score"] > rows["spot.png"]["threshold"]
    assert [rows[path.name]["verdict"] for path in good].count("PASS") >= 3
    for path in (text, cut, wide, video):
        row = rows[path.name]
        assert (row["verdict"], row["score"], row["regions"]) == ("CANNOT_INSPECT", None, [])
        assert str(path) in row["reason"]
    assert "20000 x 8 pixels" in rows["wide.png"]["reason"]
    seen = {path.name.split(".")[0] for path in (tmp_path / "seen").iterdir()}
    verdicts = {path: rows[path.name]["verdict"] for path in [*good, bad]}
    assert seen == {f"parts_{path.stem}_{verdict}" for path, verdict in verdicts.items()}
    _check_record(tmp_path / "parts.db", rows, {p.name: p for p in [*good, bad, text, cut, wide]})


def _check_record(database: Path, rows: dict[str, dict[str, Any]], files: dict[str, Path]) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM parts").fetchone() == (len(rows),)
    with open_store(str(database), read_only=True) as store:
        assert store.verify() == []
        kept = {Path(record.source or "").name: record for record in store.parts()}
        assert set(kept) == set(rows)
        for name, record in kept.items():
            assert record.verdict.value == rows[name]["verdict"]
            assert record.score == rows[name]["score"]
            assert record.reason == rows[name]["reason"]
            assert record.recipe_id == rows[name]["recipe_id"]
            assert len(record.regions) == len(rows[name]["regions"])
        for name, path in files.items():
            picture = store.image_path(kept[name])
            assert picture is not None
            assert picture.read_bytes() == path.read_bytes()


def test_all_good_ends_with_0(line: Any, cli: Any, recipe: Any, tmp_path: Path) -> None:
    reference = next(iter(recipe.references.values()))
    path = save(tmp_path / "reference.png", reference)
    done = cli("inspect", line.recipe_path, path, path)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, summary = done.stdout.splitlines()
    assert first == second
    assert first.startswith(f"PASS            {path}  nothing unusual: score ")
    assert summary == "2 inspected, 2 passed, 0 not"


def test_overlays_that_cannot_be_written_are_one_line(
    line: Any, failure: Any, tmp_path: Path
) -> None:
    save(tmp_path / "part.png", line.good())
    said = failure("inspect", line.recipe_path, "part.png", "--out", "part.png")
    assert said == (
        f"overlay part.png/{tmp_path.name}_part_PASS.png: cannot be written (File exists); free "
        "space, or give another folder"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("inspect", "none.recipe", "."), "recipe none.recipe: cannot be read"),
        (("inspect", "text.recipe", "."), "recipe text.recipe: not a recipe, or damaged"),
        (("inspect", "text.recipe", "nowhere"), "picture nowhere: no such file or folder"),
        (("inspect", "text.recipe", "empty"), "folder empty: holds no pictures"),
        (("evaluate", "text.recipe", "empty"), "recipe text.recipe: not a recipe, or damaged"),
        (("train", "nowhere", "--recipe", "a.recipe"), "dataset nowhere: no such folder"),
        (("train", "empty", "--recipe", "a.recipe"), "dataset empty: no pictures in empty"),
        (
            ("train", "nowhere", "--recipe", "new/a.recipe"),
            "recipe new/a.recipe: there is no folder",
        ),
        (("train", "nowhere", "--recipe", "empty"), "recipe empty: is a folder"),
        (
            ("train", "nowhere", "--recipe", "text.recipe/a"),
            "recipe text.recipe/a: there is no folder",
        ),
        (
            ("train", "empty", "--recipe", "a.recipe", "--setup", "none.toml"),
            "set-up none.toml: no such file",
        ),
    ],
)
def test_an_error_is_one_line_and_1(
    words: tuple[str, ...], expected: str, failure: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.recipe").write_text("hello", encoding="utf-8")
    save(tmp_path / "picture.png", np.zeros((8, 8, 3), np.uint8))
    assert failure(*words).startswith(expected)
    assert not (tmp_path / "a.recipe").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("inspect",),
        ("inspect", "a.recipe"),
        ("train", "."),
        ("train", ".", "--recipe", "a", "--false-reject", "0"),
        ("train", ".", "--recipe", "a", "--false-reject", "1"),
        ("train", ".", "--recipe", "a", "--defects", ".", "--escape-cost", "0"),
        ("train", ".", "--recipe", "a", "--defects", ".", "--overkill-cost", "-1"),
        ("train", ".", "--recipe", "a", "--defects", ".", "--defect-rate", "1"),
        ("train", ".", "--recipe", "a", "--take-proposed-limit"),
        ("train", ".", "--recipe", "a", "--image-size", "huge"),
        ("train", ".", "--recipe", "a", "--image-size", "63"),
        ("train", ".", "--recipe", "a", "--image-size", "²"),
        ("train", ".", "--recipe", "a", "--seed", "-1"),
        ("train", ".", "--recipe", "a", "--image-size", "auto"),
        ("train", ".", "--recipe", "a", "--effort", "much"),
        ("train", ".", "--recipe", "a", "--review", "0"),
        ("train", ".", "--recipe", "a", "--review", "1"),
        ("train", ".", "--recipe", "a", "--latency-budget-ms", "5"),
        ("demo", "--good", "3"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 2
    assert "Usage: " in done.stderr or "Error" in done.stderr


def test_a_suffix_the_archive_does_not_know_is_no_error(
    line: Any, cli: Any, tmp_path: Path
) -> None:
    save(tmp_path / "a.png", line.good())
    (tmp_path / "a.png").rename(tmp_path / "a.png.part-1")
    done = cli("inspect", line.recipe_path, "a.png.part-1", "--store", "parts.db", "--json")
    assert done.returncode in (0, 3), done.stderr
    with open_store(str(tmp_path / "parts.db"), read_only=True) as store:
        assert len(list(store.parts())) == 1


def test_evaluation_prints_its_fields(line: Any, cli: Any) -> None:
    done = cli("evaluate", line.recipe_path, line.dataset, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (figures,) = rows_of(done)
    assert set(figures) >= EVALUATED
    same = EVALUATED - {"latency_ms_p50", "latency_ms_p95"}
    assert {k: figures[k] for k in same} == {k: line.trained["tested"][k] for k in same}
    assert (figures["n_good"], figures["n_defective"]) == (12, 20)
    assert 0.5 < figures["pixel_auroc"] <= 1
    assert 0 < figures["aupro"] <= 1
    for name in ("escape", "overkill"):
        low, high = figures[f"{name}_ci95"]
        assert 0 <= low <= figures[f"{name}_rate"] <= high <= 1
    assert sum(row["escapes"] for row in figures["per_defect"].values()) == round(
        20 * figures["escape_rate"]
    )
    apart = figures["good_fail_rate"] + figures["good_review_rate"]
    assert apart == pytest.approx(figures["overkill_rate"])
    assert figures["region_hit_rate"] >= 0.85
    assert figures["region_area_ratio"] > 0


def test_models_and_cameras_are_listed(cli: Any) -> None:
    others = [f"anomalib/{each.name}" for each in anomalib_not_taken()]
    for command, names in (("models", [*MODELS, *others]), ("cameras", camera_names())):
        (rows,) = rows_of(cli(command, "--json"))
        assert [row["name"] for row in rows] == names
        more = {
            "models": {"family", "licence", "patent", "needs"},
            "cameras": {"devices", "search"},
        }[command]
        keys = {"name", "about", "problem"} | more
        assert all(set(row) == keys and row["about"] for row in rows)
        text = cli(command)
        assert (text.returncode, text.stderr) == (0, "")
        first = [line.split()[0] for line in text.stdout.splitlines() if line[0] != " "]
        assert first == names
    listed = cli("models").stdout
    assert re.search(
        r"^padim .*\n +needs 5 good pictures; for 100 of 256 px [\d.]+ min of a core and [\d,]+ MB$",
        listed,
        re.MULTILINE,
    )
    assert re.search(r"^dfkde .*\n +needs 8 good pictures; ", listed, re.MULTILINE)
    assert re.search(r"^uninet .*\[Apache-2\.0 \(anomalib\); EP 4145401 ", listed, re.MULTILINE)


def test_doctor_finds_a_whole_recipe_well_and_a_broken_one_not(
    line: Any, cli: Any, tmp_path: Path
) -> None:
    (findings,) = rows_of(cli("doctor", "--recipe", line.recipe_path, "--json"))
    marks = {finding["what"]: finding["mark"] for finding in findings}
    assert marks["recipe"] == marks["packages"] == marks["backbone weights"] == "ok"
    (tmp_path / "bad.recipe").write_bytes(line.recipe_path.read_bytes()[:-1])
    done = cli("doctor", "--recipe", "bad.recipe", "--json")
    assert done.returncode == 1
    (bad,) = [finding for finding in rows_of(done)[0] if finding["what"] == "recipe"]
    assert bad["mark"] == "PROBLEM"
    assert bad["text"].startswith("recipe bad.recipe: ")


@pytest.mark.slow
def test_the_demo_inspects_and_records_every_part(cli: Any, tmp_path: Path) -> None:
    words = ("demo", "--no-ui", "--parts", "6", "--good", "20", "--folder", "tmp", "--json")
    done = cli(*words)
    assert (done.returncode, done.stderr) == (0, "")
    (summary,) = rows_of(done)
    assert (summary["parts"], summary["in_record"]) == (6, 6)
    assert sum(row["count"] for row in summary["outcomes"]) == 6
    with open_store(str(tmp_path / "tmp" / "demo.db"), read_only=True) as store:
        assert store.verify() == []
        records = list(store.parts())
    assert len({record.trigger_id for record in records}) == 6
    rejected = [record for record in records if record.verdict != "PASS"]
    overlays = tmp_path / "tmp" / "overlays"
    assert len(list(overlays.glob("*.png"))) == len(rejected)


def test_the_demo_says_where_its_page_will_be_and_that_its_lots_get_worse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Summary:
        def text(self) -> str:
            return "done"

    went: list[str] = []
    monkeypatch.setattr("inspection.demo.run_demo", lambda *_, **__: Summary())
    monkeypatch.setattr("inspection.demo.write_station", lambda folder, **_: folder)
    monkeypatch.setattr("inspection.supervisor.port_must_be_free", lambda _: None)
    monkeypatch.setattr(stations, "_go_on", lambda _, address: went.append(address.url))
    stations.demo(port=7899)
    text = capsys.readouterr().out
    assert went == ["http://127.0.0.1:7899/"]
    assert f"at {went[0]}; wait for the line `Station page`" in text
    assert "added on purpose: its lots look worse" in text


def test_the_demo_leaves_a_folder_of_others_alone(failure: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    text = failure("demo", "--no-ui", "--folder", "mine")
    assert text.startswith("demo folder mine: holds something else")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


LOADED = (
    "import json, sys\n"
    "from inspection.cli import main\n"
    "try:\n"
    "    main()\n"
    "except SystemExit as end:\n"
    "    code = end.code\n"
    "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))\n"
)


def loaded(*words: object) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, words)],
        capture_output=True, text=True, check=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    code, names = json.loads(done.stdout.splitlines()[-1])
    assert code in (0, 3, None), done
    return set(names)


def test_judging_loads_no_training_library(line: Any, tmp_path: Path) -> None:
    part = line.dataset / "test" / "good" / "0000.png"
    names = loaded("inspect", line.recipe_path, part, "--store", tmp_path / "parts.db")
    assert "openvino" in names
    assert names & {"torch", "torchvision", "timm", "anomalib", "gradio", "lightning"} == set()


def test_the_version_is_one_line(cli: Any) -> None:
    done = cli("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"inspection \d+\.\d+\S*\n", done.stdout)


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "cv2", "torch", "timm", "openvino", "pydantic", "sqlalchemy", "scipy"}
    assert loaded("--help") & heavy == set()


def test_a_part_that_passes_is_shown_as_it_is(line: Any, recipe: Any, frame_of: Any) -> None:
    from inspection.judging.judge import inspect

    passed = 0
    for number in range(12):
        image = line.good(number)
        found = inspect(frame_of(image), recipe)
        if found.verdict != "PASS":
            continue
        passed += 1
        shown = draw(image, found, recipe)
        assert shown.shape[1:] == image.shape[1:]
        assert (shown[-image.shape[0] :] == image).all()
    assert passed >= 8


def test_a_part_that_fails_shows_red_at_the_place_and_nowhere_far_from_it(
    line: Any, recipe: Any, frame_of: Any, spotted: Any, tmp_path: Path
) -> None:
    from inspection.judging.judge import inspect

    image = spotted(line.good(), 64, 100)
    found = inspect(frame_of(image), recipe)
    (tmp_path / "seen").mkdir()
    earlier = save(tmp_path / "seen" / "spot_PASS.png", image)
    path = write_overlay(tmp_path / "seen", "spot", image, found, recipe)
    assert path == tmp_path / "seen" / "spot_FAIL.png"
    assert not earlier.exists()
    below = read_image(path)[-256:].astype(int)
    assert (below[:, :256] == image).all()  # the picture as it is, and beside it with its heat
    shown = below[:, 256:512]
    redder = (shown[..., 0] - shown[..., 1]) - (image[..., 0].astype(int) - image[..., 1]) > 40
    assert redder[92:108, 56:72].mean() > 0.5
    assert (shown[:, 200:] == image[:, 200:]).mean() > 0.9


def _commands() -> dict[str, Any]:
    """Every command by its words, those of `records` too."""
    commands = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    records = commands.pop("records").commands
    return commands | {f"records {name}": command for name, command in records.items()}


def _options(command: Any) -> list[str]:
    names = (name for parameter in command.params for name in parameter.opts)
    return [name for name in names if name.startswith("--")]


def _section(name: str) -> str:
    """What the manual says of a command: its section, or the whole page of the record."""
    if name.startswith("records "):
        return (MANUAL.parent / "records.md").read_text(encoding="utf-8")
    sections = MANUAL.read_text(encoding="utf-8").split("\n## ")
    return next((part for part in sections if f"`inspection {name}`" in part.split("\n")[0]), "")


@pytest.mark.parametrize("name", _commands())
def test_every_command_and_its_options_are_in_the_manual(name: str) -> None:
    text = MANUAL.read_text(encoding="utf-8")
    assert f"\n| [`{name.split(maxsplit=1)[0]}`](#inspection-" in text, "a row of the first table"
    section = _section(name)
    assert section, f"a section `inspection {name}`"
    assert f"`{name.removeprefix('records ')}`" in section or f"inspection {name}" in section
    options = _options(_commands()[name])
    assert [each for each in options if not re.search(rf"{each}(?![\w-])", section)] == []


def test_every_command_but_one_prints_json() -> None:
    """`ui` prints nothing: it runs until it is stopped."""
    without = {name for name, each in _commands().items() if "--json" not in _options(each)}
    assert without == {"ui"}
    assert "Every command but `ui` takes `--json`" in MANUAL.read_text(encoding="utf-8")


def test_what_is_no_file_is_not_waited_for_and_a_name_forges_no_line(
    cli: Any, line: Any, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    forged = save(tmp_path / "a.png", line.good(0)).rename(tmp_path / "a\nPASS            b.png")
    broken = bytearray(cv2.imencode(".jpg", line.good(0))[1].tobytes())
    del broken[len(broken) // 2 : len(broken) // 2 + 600]
    (tmp_path / "c.jpg").write_bytes(broken)
    done = cli("inspect", line.recipe_path, "pipe.png", "/dev/zero", forged, "c.jpg")
    assert (done.returncode, done.stderr) == (3, "")
    pipe, zero, named, damaged, total = done.stdout.splitlines()
    assert pipe == "CANNOT_INSPECT  pipe.png  picture pipe.png is a pipe or device, not a file"
    assert zero == "CANNOT_INSPECT  /dev/zero  picture /dev/zero is a pipe or device, not a file"
    assert f"{tmp_path}/a\\nPASS            b.png  " in named
    assert damaged.startswith("CANNOT_INSPECT  c.jpg  picture c.jpg is damaged: Corrupt JPEG data")
    assert total.startswith("4 inspected, ")
