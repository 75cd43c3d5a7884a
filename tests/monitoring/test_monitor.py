"""`inspection monitor` on tables and records: what it raises, when, why and over which parts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.monitoring.errors import MonitorError
from inspection.monitoring.monitor import good_parts, learn, stream_of
from inspection.monitoring.part_rows import RecordRows, rows_of_table, shift_of
from inspection.monitoring.settings import MonitorSettings
from inspection.monitoring.source import GrowingRecord
from inspection.store import open_store, open_to_read
from models import ModelError
from tests.attack.mutate import mutated
from tests.conftest import cli_environment
from tests.monitoring.conftest import BEGIN, PERIOD, good_numbers, part

SHIFTED = 250


def drifted(n: int = 400) -> Any:
    values = good_numbers(n, 1)
    values[SHIFTED:, 1] -= 6.0
    return values


def lines(done: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_darker_light_is_raised_with_when_why_and_where(
    table: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    done = cli("monitor", str(table(drifted())), "--good", "200", "--json")
    *raised, end = lines(done)
    assert done.returncode == 3
    (found,) = [each for each in raised if each["method"] == "cusum"]
    assert (found["column"], found["direction"]) == ("brightness", "low")
    assert 200 < found["first"] <= SHIFTED + 2
    assert SHIFTED < found["raised"] < SHIFTED + 12
    assert found["last"] == 400
    assert found["parts"] == 401 - found["first"]
    assert found["at"] == (BEGIN + (found["raised"] - 1) * PERIOD).isoformat()
    assert "brightness is low: sum of deviations out of its limits" in found["text"]
    assert {"ewma", "western_electric", "pca"} <= {each["method"] for each in raised}
    assert (end["watched"], end["raised"]) == (200, len(raised))
    assert end["learnt"]["columns"] == ["score", "brightness", "sharpness"]
    assert "constant (2)" in end["learnt"]["left_out"]["cycle_time_s"]


def test_good_parts_end_with_0_and_one_line(
    table: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    path = table(good_numbers(400, 1))
    done = cli(
        "monitor",
        str(path),
        "--good",
        "300",
        "--method",
        "cusum,repeats",
        "--columns",
        "score,brightness",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "100 parts watched, nothing raised; learnt from 300 good parts (1 to 300), 2 columns, 2 methods\n"
    )


def test_a_record_whose_pictures_are_shown_again(
    record: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    """Numbers differ, as a noisy judge might make them; the pictures give it away."""
    pictures = [*range(150), *range(110, 150)]
    path = record(good_numbers(190, 2), pictures=pictures)
    done = cli("monitor", str(path), "--good", "100", "--method", "repeats")
    assert done.returncode == 3
    first = done.stdout.splitlines()[0]
    when, what = first.split("  ")
    assert when == "2026-03-05T12:05:02+00:00"
    assert what == (
        "repeats: replayed: shows what was shown 40 parts before (2, limit 1.5); "
        "parts 151 to 190, raised at part 152"
    )


def test_another_record_is_learnt_from(table: Callable[..., Path], cli: Callable[..., Any]) -> None:
    good = table(good_numbers(200, 3), "good.csv")
    bad = table(drifted()[SHIFTED:], "bad.csv")
    done = cli(
        "monitor", str(bad), "--learn", str(good), "--good", "200", "--method", "ewma", "--json"
    )
    first, end = lines(done)[0], lines(done)[-1]
    assert (first["column"], end["watched"]) == ("brightness", 150)
    assert 1 <= first["first"] < first["raised"] < 12


def test_what_is_normal_but_not_for_this_tool(
    table: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    values = good_numbers(500, 4)
    tools = [("left", "right")[i % 2] for i in range(500)]
    values[1::2, 0] += 1.0
    values[400::2, 0] += 1.0  # the left tool now measures as the right one always did
    path = table(values, tool=tools)
    options = ("--good", "300", "--method", "western_electric", "--columns", "score", "--json")
    done = cli("monitor", str(path), "--context", "tool", *options)
    first = lines(done)[0]
    assert (first["column"], first["direction"]) == ("score", "high")
    assert 401 <= first["raised"] <= 405
    place = cli("monitor", str(path), "--cycle", "2", *options)
    assert lines(place)[0]["raised"] == first["raised"]


def test_what_the_line_measured_is_watched_and_what_it_says_is_compared_with(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    """Two cavities, the second 3 Nm above the first; from part 400 on the first has the second's torque."""
    path, table = tmp_path / "parts.db", tmp_path / "export.csv"
    noise = np.random.default_rng(5).normal(0, 0.2, 500)
    with open_store(path) as store:
        store.add_many([
            part(row, i, i, process={
                "torque_nm": float(20 + noise[i] + 3 * (i % 2 or i >= 400)), "cavity": str(i % 2 + 1),
            })
            for i, row in enumerate(good_numbers(500, 4))
        ])  # fmt: skip
    assert cli("records", "export", str(path), str(table)).returncode == 0
    options = ("--good", "300", "--method", "western_electric", "--context", "process_cavity",
               "--columns", "process_torque_nm", "--json")  # fmt: skip
    of_record, of_table = (cli("monitor", str(each), *options) for each in (path, table))
    assert of_table.stdout == of_record.stdout
    first = lines(of_record)[0]
    assert (first["column"], first["direction"]) == ("process_torque_nm", "high")
    assert 401 <= first["raised"] <= 403


def test_an_exported_record_says_the_same_as_the_record(
    record: Callable[..., Path], cli: Callable[..., Any], tmp_path: Path
) -> None:
    values = drifted()
    path, table = record(values), tmp_path / "export.csv"
    assert cli("records", "export", str(path), str(table)).returncode == 0
    options = (
        "--good",
        "200",
        "--columns",
        "score,brightness,sharpness",
        "--method",
        "ewma,pca,linear",
        "--json",
    )
    here, there = cli("monitor", str(path), *options), cli("monitor", str(table), *options)
    assert lines(here)[:-1] == lines(there)[:-1]
    assert len(lines(here)) > 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--good", "300"), "120 good parts, 300 are to be learnt from; learn from fewer (at least 50), or learn"),
        (("--good", "100", "--method", "gru"), "method gru: 100 good parts to learn from, at least 300 are needed"),
        (("--good", "100", "--columns", "cycle_time_s"), "column cycle_time_s: constant (2) over the good parts"),
        (("--good", "100", "--columns", "gloss"), "column 'gloss': no good part has it; there are: brightness"),
        (("--good", "100", "--context", "tool"), "context 'tool': no good part has it; there are: "),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_one_line(
    table: Callable[..., Path], cli: Callable[..., Any], options: tuple[str, ...], said: str
) -> None:
    done = cli("monitor", str(table(good_numbers(120, 1))), *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_column_with_holes_is_left_out_and_told_unless_it_is_asked_for(
    table: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    focus = ["" if i % 3 else 1.0 + i / 1000 for i in range(150)]
    path = table(good_numbers(150, 1), focus=[each or "nan" for each in focus])
    done = cli("monitor", str(path), "--good", "100", "--method", "ewma", "--columns", "focus")
    assert "column focus: 66 of 100 good parts have no number there" in done.stderr
    quiet = cli("monitor", str(path), "--good", "100", "--method", "ewma")
    assert quiet.returncode in (0, 3)
    assert "cycle_time_s: constant (2)" in quiet.stderr


def test_an_unknown_method_is_a_usage_error(
    table: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    done = cli("monitor", str(table(good_numbers(120, 1))), "--method", "hmm")
    assert done.returncode == 2
    assert "no method 'hmm'; allowed: all, charts, change_points" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,score\n1,2\n3\n", "line 3 has 1 cells, its head 2"),
        ("score,score\n1,2\n", "its first line must name each column, each once"),
        ("", "its first line must name each column, each once"),
        ('score\n"1\n', "not readable as CSV"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "parts.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(MonitorError, match=said):
        list(rows_of_table(path))


def test_a_malformed_table_is_read_or_refused(tmp_path: Path) -> None:
    table = (
        b"number,judged_at,verdict,score,health,image_sha256\n"
        b'1,2026-03-05T12:00:00+00:00,PASS,1.5,"{""brightness"": 120.5}",ab\n'
        b'99999999999999999999,0001-01-01T00:00:00+14:00,PASS,1e308,"{""brightness"": 1e999}",ab\n'
        b'3,2026-03-05T12:00:04,FAIL,nan,"[[[[",\n'
    )
    path, read = tmp_path / "parts.csv", 0
    for data in [table, *mutated([table], 1000, seed=1)]:
        path.write_bytes(data)
        try:
            rows = list(rows_of_table(path))
        except MonitorError:
            continue
        stream_of(rows, ["score", "brightness"], ["shift"], 4)
        read += 1
    assert 0 < read < 1001
    path.write_bytes(table)
    first, second, third = rows_of_table(path)
    assert (first.numbers["brightness"], first.numbers["score"]) == (120.5, 1.5)
    assert (second.number, second.at, "brightness" in second.numbers) == (2, None, False)
    assert (third.good, "score" in third.numbers) == (False, False)


def test_a_record_is_read_on_as_it_grows(record: Callable[..., Path]) -> None:
    values = good_numbers(120, 5)
    path = record(values[:100])
    with open_to_read(path) as store:
        growing = GrowingRecord(store)
        watching = learn(
            good_parts(growing.rows(), 80, where="r"),
            MonitorSettings(good=80, methods=("repeats",)),
        )
        watching.take(growing.rows())
        assert watching.watched == 20
        with open_store(path) as writer:
            writer.add(part(values[100], 100, 98))
            writer.add(part(values[101], 101, 99))
        (found,) = watching.take(growing.rows())
        assert (found.raised, found.first, watching.watched) == (102, 101, 22)


def test_a_station_s_record_is_watched_while_it_grows(
    record: Callable[..., Path], tmp_path: Path
) -> None:
    """It says what it raises at once, and Ctrl-C ends it with the count."""
    values = good_numbers(160, 1)
    values[110:, 1] -= 6.0
    path = record(values[:105])
    station = tmp_path / "station.toml"
    station.write_text(
        'station = "s"\nrecord = "parts.db"\n[[views]]\ncamera = "simulated"\n'
        '[[products]]\nname = "nut"\nrecipe = "nut.recipe"\n', "utf-8",
    )  # fmt: skip
    words = ["monitor", str(station), "--good", "100", "--method", "ewma", "--json"]
    watching = subprocess.Popen(
        [sys.executable, "-m", "inspection", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=cli_environment(),
    )  # fmt: skip
    try:
        with open_store(path) as writer:
            for i in range(105, 160):
                writer.add(part(values[i], i, i))
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        assert (first["method"], first["column"], first["direction"]) == (
            "ewma",
            "brightness",
            "low",
        )
        assert 110 < first["raised"] < 130
        watching.send_signal(signal.SIGINT)
        *_, end = watching.communicate(timeout=30)[0].splitlines()
        assert json.loads(end)["learnt"]["parts"] == 100
        assert watching.returncode == 3
    finally:
        watching.kill()
        watching.communicate()


def test_the_cycle_time_is_from_part_to_part_and_the_shift_is_local(
    record: Callable[..., Path],
) -> None:
    with open_to_read(record(good_numbers(3, 1))) as store:
        rows = RecordRows(("06:00", "14:00"))
        first, *others = [rows.row(each) for each in store.parts(newest_first=False)]
    assert "cycle_time_s" not in first.numbers
    assert [row.numbers["cycle_time_s"] for row in others] == [2.0, 2.0]
    assert first.texts["shift"] == shift_of(BEGIN, ("06:00", "14:00"))
    local = BEGIN.astimezone().replace(hour=5, minute=59)
    assert shift_of(local, ("06:00", "14:00")) == "14:00"
    assert shift_of(local.replace(hour=13), ("14:00", "06:00")) == "06:00"


def test_all_leaves_out_what_cannot_be_used_and_says_so(table: Callable[..., Path]) -> None:
    names, left = MonitorSettings(methods=("all",), good=200).chosen()
    assert "linear" in names
    assert left["gru"] == "200 good parts, at least 300 are needed"
    names, left = MonitorSettings(methods=("charts",), good=60).chosen()
    assert ("ewma" in names, set(left)) == (True, {"linear", "matrix_profile"})
    assert MonitorSettings(methods=("linear", "charts"), good=60).missing() == (
        "linear: 60 good parts, at least 100 are needed"
    )
    with pytest.raises(ModelError, match="at least 300"):
        rows = list(rows_of_table(table(good_numbers(200, 1))))
        learn(rows, MonitorSettings(methods=("gru",), good=200, columns=("score",)))


def test_numbers_that_are_none_teach_nothing_wrong(table: Callable[..., Path]) -> None:
    values = good_numbers(200, 1)
    values[::40, 0] = np.inf
    rows = list(rows_of_table(table(values)))
    columns = learn(rows, MonitorSettings(good=200)).learnt.columns
    assert set(columns) == {"score", "brightness", "sharpness"}


def test_rejected_parts_are_watched_and_not_learnt_from(table: Callable[..., Path]) -> None:
    values = good_numbers(130, 1)
    verdicts = ["FAIL" if i % 10 == 9 else "PASS" for i in range(130)]
    values[9::10, 0] += 5.0
    rows = iter(list(rows_of_table(table(values, verdict=verdicts))))
    watching = learn(good_parts(rows, 100, where="t"), MonitorSettings(good=100, methods=("ewma",)))
    watching.take(rows)
    learnt = watching.learnt
    assert (learnt.parts, learnt.first, learnt.last, watching.watched) == (100, 1, 111, 19)
    score = learnt.columns.index("score")
    assert watching.watch.standard.deviation[score] == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("method", ["western_electric", "periodic", "pca", "linear", "charts"])
def test_a_part_that_was_rejected_is_no_news_of_the_stream_but_many_are(
    method: str, table: Callable[..., Path]
) -> None:
    """One in ten is far out and rejected, as everywhere; from part 600 on all are a deviation higher."""
    values = good_numbers(800, 7)
    rejected = np.random.default_rng(8).random(800) < 0.1
    values[rejected, 0] += 2.0  # twenty deviations
    values[600:, 0] += 0.1
    verdicts = [("PASS", "FAIL")[int(each)] for each in rejected]
    rows = rows_of_table(table(values, verdict=verdicts))
    settings = MonitorSettings(methods=(method,), good=300)
    monitor = learn(good_parts(rows, 300, where="x"), settings)
    raised = monitor.take(rows)
    before = [each for each in raised if each.raised <= 600]
    assert [each.text for each in before if each.column == "score"] == []
    if method != "periodic":  # it takes off what all parts share
        assert [each for each in raised if each.raised > 600 and each.column == "score"]
