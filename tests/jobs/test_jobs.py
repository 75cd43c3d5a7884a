"""Training jobs: detached, one at a time, found again, cancelled, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cameras.simulated import write_dataset
from inspection.durable_files import replace_json
from inspection.errors import InspectionError
from inspection.jobs import TRAIN, TRY, VERIFY, Job, Jobs, copy_pictures, process_identity
from inspection.jobs.kinds import KINDS, beside
from inspection.jobs.process import NICENESS
from inspection.jobs.status_file import DONE, FAILED, StatusFile
from inspection.recipe import open_recipe
from inspection.store import open_store

N_GOOD = 24


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "parts"
    write_dataset(folder, n_good=N_GOOD, n_test_good=0, n_defective_per_kind=0, size_px=128)
    return folder / "train" / "good"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "jobs")


def start(jobs: Jobs, good: Path, *more: object) -> Job:
    def prepare(folder: Path) -> list[object]:
        copy_pictures({path.name: path for path in sorted(good.iterdir())}, folder / "good")
        return [
            "train", folder / "good", "--recipe", folder / "new.recipe", "--json",
            "--status", folder / "status.json", "--image-size", 128, *more,
        ]  # fmt: skip

    return jobs.start(TRAIN, who="mia", about={"product": "flange"}, prepare=prepare)


def wait_until(happened: Callable[[], Any], timeout_s: float = 240.0) -> None:
    end = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def of(jobs: Jobs, job: Job) -> Job:
    found = jobs.find(job.id)
    assert found is not None
    return found


def test_the_status_file_is_whole_and_not_written_too_often(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with StatusFile(path) as told:
        inode = path.stat().st_ino
        for done in range(1000):
            told("Reading", done, 1000)
        assert json.loads(path.read_text())["state"] == "running"
        told("Judging", 0, 7)
        told("Judging", 7, 7)
        told("Reading", 999, 1000)
        told.end(DONE, result={"n_good": 3})
    found = json.loads(path.read_text())
    assert (found["state"], found["stage"], found["done"]) == (DONE, "Reading", 999)
    assert found["step"] == 3
    assert found["result"] == {"n_good": 3}
    assert path.stat().st_ino != inode
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


def test_a_failure_is_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with pytest.raises(InspectionError), StatusFile(path):
        raise InspectionError("two\nlines")
    found = json.loads(path.read_text())
    assert (found["state"], found["error"]) == (FAILED, "two lines")


def test_a_pid_that_came_again_is_not_the_job(jobs: Jobs) -> None:
    folder = jobs.folder / "20260101-000000-000000"
    folder.mkdir(parents=True)
    own = process_identity(os.getpid())
    card = {"id": folder.name, "kind": TRAIN, "who": "mia", "at": "2026-01-01T00:00:00+00:00",
            "about": {}, "pid": os.getpid(), "birth": own}  # fmt: skip
    replace_json(folder / "job.json", card)
    replace_json(
        folder / "status.json", {"state": "running", "stage": "Reading", "done": 1, "of": 2}
    )
    assert jobs.find(folder.name).running  # type: ignore[union-attr]
    replace_json(folder / "job.json", {**card, "birth": "1 another-boot"})
    found = jobs.find(folder.name)
    assert found is not None
    assert (found.state, found.stage) == (FAILED, "Reading")
    assert "killed" in str(found.error)
    assert process_identity(2**22 + 1) is None


def fake(jobs: Jobs, kind: str, number: int, *, running: bool) -> Path:
    """A job that is this process, or one that is done."""
    folder = jobs.folder / f"20260101-000000-{number:06d}"
    folder.mkdir(parents=True)
    card = {"id": folder.name, "kind": kind, "who": "mia", "at": "2026-01-01T00:00:00+00:00",
            "about": {}, "pid": os.getpid(), "birth": process_identity(os.getpid())}  # fmt: skip
    replace_json(folder / "job.json", card)
    replace_json(folder / "status.json", {"state": "running" if running else DONE})
    return folder


def verify(jobs: Jobs, record: str) -> Job:
    request = {"record": record, "images": None, "pictures": True}
    return jobs.start(VERIFY, who="ada", about={}, request=request)


def ended(jobs: Jobs, job: Job) -> Job:
    wait_until(lambda: not of(jobs, job).running)
    return of(jobs, job)


def test_a_training_stands_in_the_way_of_a_trial_and_of_nothing_else(
    jobs: Jobs, tmp_path: Path
) -> None:
    fake(jobs, TRAIN, 1, running=True)
    with pytest.raises(InspectionError, match="train: mia started one at 00:00 UTC"):
        jobs.start(TRY, who="jo", about={})
    with open_store(tmp_path / "parts.db") as store:
        job = ended(jobs, verify(jobs, str(tmp_path / "parts.db")))
        assert (job.state, job.error) == (DONE, None)
        assert job.result is not None
        assert (job.result["count"], job.result["head"]["hash"]) == (0, store.head().hash)
    assert {kind for kind in KINDS if TRAIN in beside(kind)} == {TRAIN, TRY}


def test_other_work_never_takes_the_place_of_a_training(jobs: Jobs, tmp_path: Path) -> None:
    trainings = {fake(jobs, TRAIN, number, running=False).name for number in range(10)}
    for number in range(10, 16):
        fake(jobs, VERIFY, number, running=False)
    verify(jobs, str(tmp_path / "none.db"))
    assert {job.id for job in jobs.newest_first(TRAIN)} == trainings
    assert len(jobs.newest_first(VERIFY)) == 1 + KINDS[VERIFY].kept


def test_a_job_ends_at_its_time_limit(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, VERIFY, replace(KINDS[VERIFY], limit_s=0.2))
    job = ended(jobs, verify(jobs, "none.db"))
    assert (job.state, job.late, job.error) == (FAILED, True, "not done within 0.2 s")


def test_a_job_cancelled_before_it_listens_does_not_begin(jobs: Jobs, tmp_path: Path) -> None:
    with open_store(tmp_path / "parts.db"):
        pass
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it runs with &
    try:
        job = verify(jobs, str(tmp_path / "parts.db"))
        jobs.cancel(job.id)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert ended(jobs, job).state == "cancelled"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_limit_and_a_module(kind: str) -> None:
    assert KINDS[kind].limit_s > 0
    assert find_spec(KINDS[kind].module) is not None


@pytest.mark.parametrize("before", [0, 5])
def test_a_job_is_no_nicer_than_it_has_to_be(before: int) -> None:
    code = (
        "import os; from inspection.jobs.process import go_behind; go_behind(); print(os.nice(0))"
    )
    words = ["nice", "-n", f"{before}", sys.executable, "-c", code]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert int(told) == max(NICENESS, os.nice(0) + before)


def test_a_password_is_seen_by_nobody(jobs: Jobs) -> None:
    job = verify(jobs, "postgresql+psycopg://eve:open-sesame@127.0.0.1:9/parts")
    assert b"sesame" not in Path(f"/proc/{_pid(job)}/cmdline").read_bytes()
    failed = ended(jobs, job)
    assert (failed.state, failed.result) == (FAILED, None)
    files = [path for path in job.folder.rglob("*") if path.is_file()]
    assert {"job.json", "status.json", "log"} <= {path.name for path in files}
    assert not [path.name for path in files if b"sesame" in path.read_bytes()]


@pytest.mark.parametrize("kind", ["export", "try"])
def test_what_only_the_page_waits_for_ends_with_it(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "request.json")  # the trial waits here for what nobody writes
    page = f"""
import subprocess, sys, time
held = subprocess.Popen(["sleep", "30"], stdout=subprocess.PIPE)
words = [sys.executable, "-m", "inspection.jobs.process", {kind!r}, "60", {str(tmp_path)!r}, {str(tmp_path)!r}]
job = subprocess.Popen(words, stdin=held.stdout, stderr=open({str(tmp_path / "log")!r}, "w"), start_new_session=True)
print(job.pid, held.pid, flush=True)
time.sleep(60)
"""
    program = [sys.executable, "-c", page]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        job, held = map(int, process.stdout.readline().split())
        wait_until((tmp_path / "status.json").exists)
        assert process_identity(job) is not None
        process.kill()
    wait_until(lambda: process_identity(job) is None, 20)
    os.kill(held, signal.SIGKILL)
    assert (
        (tmp_path / "log")
        .read_text()
        .endswith("it ended with the page that had started it; start it again\n")
    )


def test_what_is_no_job_is_none(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{}")
    assert jobs.find("..") is None
    assert jobs.find("../jobs") is None
    assert jobs.newest_first() == []
    with pytest.raises(InspectionError, match="is not running"):
        jobs.cancel("20260101-000000-000000")


def test_a_job_that_cannot_begin_leaves_nothing(jobs: Jobs) -> None:
    def prepare(folder: Path) -> list[object]:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        jobs.start(TRAIN, who="mia", about={}, prepare=prepare)
    assert jobs.newest_first() == []


@pytest.mark.slow
def test_a_training_outlives_the_page_and_is_alone(jobs: Jobs, drawn: Path) -> None:
    job = start(jobs, drawn, "--false-reject", 0.05)
    assert job.running
    with pytest.raises(InspectionError, match=r"train: mia started one at \d\d:\d\d UTC"):
        start(jobs, drawn)
    assert os.getsid(_pid(job)) == _pid(job) != os.getsid(0)
    later = Jobs(jobs.folder)  # a page server that was started anew
    stages: set[str] = set()
    wait_until(lambda: of(later, job).stage)
    assert os.getpriority(os.PRIO_PROCESS, _pid(job)) == 10

    def ended() -> bool:
        found = of(later, job)
        stages.add(found.stage)
        return not found.running

    wait_until(ended)
    found = of(later, job)
    assert (found.state, found.error) == (DONE, None)
    assert stages - {""}, "no stage was told"
    assert found.result is not None
    assert found.result["n_good"] == N_GOOD
    assert found.result["false_reject_promised"] == 1 / (N_GOOD + 1)
    assert open_recipe(found.recipe).id == found.result["recipe_id"]
    assert json.loads((found.folder / "out").read_text())["recipe_id"] == found.result["recipe_id"]
    assert later.running() is None


@pytest.mark.slow
def test_a_cancelled_training_leaves_no_recipe(jobs: Jobs, drawn: Path) -> None:
    job = start(jobs, drawn)
    wait_until(lambda: of(jobs, job).stage)
    jobs.cancel(job.id)
    wait_until(lambda: not of(jobs, job).running)
    assert of(jobs, job).state == "cancelled"
    assert sorted(path.name for path in job.folder.glob("*recipe*")) == []
    assert sorted(path.name for path in job.folder.glob(".*")) == []


@pytest.mark.slow
def test_a_killed_training_is_told_as_failed(jobs: Jobs, drawn: Path) -> None:
    job = start(jobs, drawn)
    wait_until(lambda: of(jobs, job).stage)
    os.kill(_pid(job), signal.SIGKILL)
    wait_until(lambda: not of(jobs, job).running)
    found = of(jobs, job)
    assert found.state == FAILED
    assert found.error == "it ended without a word; it was killed, or the computer was switched off"
    assert not found.recipe.exists()


@pytest.mark.slow
def test_a_training_that_cannot_be_says_why(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    job = start(jobs, tmp_path / "none")
    wait_until(lambda: not of(jobs, job).running)
    assert of(jobs, job).state == FAILED
    assert "no pictures in" in str(of(jobs, job).error)


def _pid(job: Job) -> int:
    return int(json.loads((job.folder / "job.json").read_text())["pid"])
