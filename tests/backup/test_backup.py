"""A station is copied as a whole while it works, and put back: whole and verified, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inspection.backup import BackupError, back_up, read_manifest, restore
from inspection.errors import SetupError
from inspection.judging.judge import load_recipe
from inspection.judging.picture_files import judge_files, record
from inspection.station.station_file import read_station
from inspection.store import RetentionPolicy, open_store, retain

REPOSITORY = Path(__file__).parents[2]
STATION = """
station = "line 1"
record = "{record}"
{images}
[[views]]
camera = "simulated"
settings = {{ seed = 3, size_px = 256, defect_rate = 0.3 }}
[[products]]
name = "flange"  # a remark stays
recipe = "{recipe}"
[triggers.interval]
period_s = 0.02
"""


def quiet(what: str, done: int, of: int) -> None: ...


@pytest.fixture
def home(tmp_path: Path, line: Any) -> Path:
    """A station that has judged twelve parts and has a user and a draft at its page."""
    folder = tmp_path / "line"
    folder.mkdir()
    shutil.copyfile(line.recipe_path, folder / "flange.recipe")
    text = STATION.format(record="parts.db", images="", recipe="flange.recipe")
    (folder / "station.toml").write_text(text, "utf-8")
    fill(folder / "parts.db", folder / "parts.images", line)
    page = folder / "parts.page"
    for name in ("users.json", "secret", "runtime.json", "setup/flange/draft.json", "jobs/1/out"):
        (page / name).parent.mkdir(parents=True, exist_ok=True)
        (page / name).write_text(name, "utf-8")
    return folder


def fill(path: Path, images: Path, line: Any) -> None:
    recipe = load_recipe(line.recipe_path)
    pictures = sorted((line.dataset / "test" / "good").glob("*.png"))[:12]
    with open_store(path, images=images) as store:
        store.add_many([record(found, recipe) for found in judge_files(pictures, recipe)])


def unpacked(home: Path, tmp_path: Path) -> Path:
    path, _ = back_up(home / "station.toml", tmp_path, progress=quiet)
    restored = restore(path, tmp_path / "again", progress=quiet)
    assert restored.findings == ()
    return restored.station.parent


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_but_keys_and_leavings_is_there_again(home: Path, tmp_path: Path) -> None:
    again = unpacked(home, tmp_path)
    left_out = {"parts.page/secret", "parts.page/runtime.json", "parts.page/jobs/1/out"}
    beside = (".lock", ".head", "-wal", "-shm")
    assert files(again) == {name for name in files(home) - left_out if not name.endswith(beside)}
    for name in files(again) - {"parts.db"}:
        assert (again / name).read_bytes() == (home / name).read_bytes(), name
        assert stat.S_IMODE((again / name).stat().st_mode) == 0o600
    with (
        open_store(home / "parts.db", read_only=True) as old,
        open_store(again / "parts.db") as new,
    ):
        assert new.head() == old.head()
        assert new.verify() == []
    assert read_station(again / "station.toml").record == str(again / "parts.db")


def test_the_file_is_for_its_owner_alone_and_lists_every_member(home: Path, tmp_path: Path) -> None:
    path, manifest = back_up(home / "station.toml", tmp_path / "one.backup", progress=quiet)
    assert path == tmp_path / "one.backup"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_manifest(path) == manifest
    assert (manifest.station, manifest.parts, manifest.missing) == ("line 1", 12, ())
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {*manifest.files, "backup.json"}
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_what_lies_elsewhere_comes_into_the_folder_and_the_station_file_says_so(
    tmp_path: Path, line: Any
) -> None:
    home, elsewhere = tmp_path / "line", tmp_path / "var"
    for folder in (home, elsewhere):
        folder.mkdir()
    record_path, images = elsewhere / "parts.db", elsewhere / "pictures"
    text = STATION.format(
        record=record_path, images=f'images = "{images}"', recipe=line.recipe_path
    )
    (home / "station.toml").write_text(text, "utf-8")
    fill(record_path, images, line)
    path, _ = back_up(home / "station.toml", tmp_path, progress=quiet)
    shutil.rmtree(home)
    shutil.rmtree(elsewhere)
    restored = restore(path, tmp_path / "again", progress=quiet)
    assert restored.findings == ()
    assert restored.manifest.moved == {
        "record": str(record_path),
        "images": str(images),
        "products[0].recipe": str(line.recipe_path),
    }
    settings = read_station(restored.station)
    again = tmp_path / "again"
    assert (settings.record, settings.images) == (str(again / "parts.db"), again / "pictures")
    assert settings.products[0].recipe == again / "recipes" / "flange.recipe"
    assert settings.products[0].recipe.read_bytes() == line.recipe_path.read_bytes()
    assert "# a remark stays" in restored.station.read_text("utf-8")


def test_templates_come_along_from_inside_and_outside_the_folder(
    home: Path, tmp_path: Path
) -> None:
    codes, golden = tmp_path / "codes", home / "golden.png"
    (codes / "lot").mkdir(parents=True)
    for file in (codes / "B1.png", codes / "lot" / "B2.png", golden):
        file.write_bytes(file.name.encode())
    station = home / "station.toml"
    given = (
        f'recipe = "flange.recipe"\ntemplate = "{codes}"\ntemplates = {{ main = "golden.png" }}\n'
    )
    text = station.read_text("utf-8").replace('recipe = "flange.recipe"\n', given)
    station.write_text(text + "[identity]\npattern = '(?P<template>.+)'\n", "utf-8")
    path, manifest = back_up(station, tmp_path, progress=quiet)
    assert {"codes/B1.png", "codes/lot/B2.png", "golden.png"} <= set(manifest.files)
    shutil.rmtree(codes)
    shutil.rmtree(home)
    restored = restore(path, tmp_path / "again", progress=quiet)
    assert restored.manifest.moved == {"products[0].template": str(codes)}
    (product,) = read_station(restored.station).products
    assert product.template == tmp_path / "again" / "codes"
    assert (product.template / "lot" / "B2.png").read_bytes() == b"B2.png"
    assert product.template_of("main") == tmp_path / "again" / "golden.png"


def test_pictures_that_a_rule_removes_meanwhile_are_removed_in_the_backup_too(
    home: Path, tmp_path: Path
) -> None:
    with open_store(home / "parts.db") as store:

        def tidy(what: str, done: int, of: int) -> None:
            """After the third picture the rule takes those of all passed parts but every fourth."""
            if (what, done) == ("Copying pictures", 3):
                retain(store, RetentionPolicy(keep_every=4), datetime(2100, 1, 1, tzinfo=UTC))

        path, manifest = back_up(home / "station.toml", tmp_path, progress=tidy)
        left = files(home / "parts.images")
    assert 0 < len(left) < 12
    assert manifest.missing == ()
    restored = restore(path, tmp_path / "again", progress=quiet)
    assert restored.findings == ()
    assert files(tmp_path / "again" / "parts.images") == left


def test_a_picture_that_somebody_took_is_told_and_found(home: Path, tmp_path: Path) -> None:
    gone = sorted((home / "parts.images").rglob("*.png"))[4]
    gone.unlink()
    path, manifest = back_up(home / "station.toml", tmp_path, progress=quiet)
    image = gone.relative_to(home / "parts.images").as_posix()
    assert manifest.missing == (image,)
    restored = restore(path, tmp_path / "again", progress=quiet)
    assert [line.partition(": ")[2] for line in restored.findings] == [
        f"picture {image} is missing"
    ]


@pytest.mark.slow
def test_a_station_at_work_is_copied_and_goes_on_where_it_was_put_back(
    home: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    with working(home) as recorded:
        before = recorded()
        done = cli("backup", "line/station.toml", "copy.backup", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert told["parts"] >= before
        assert recorded() >= told["parts"]
    done = cli("restore", "copy.backup", "again")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{told['parts']} parts up to {told['head'][:12]}\n" in done.stdout
    assert done.stdout.endswith("the record and every picture verify\n")
    done = cli("run", "again/station.toml", "--max-parts", 3, "--json")
    assert done.returncode == 0, done.stderr
    with open_store(tmp_path / "again" / "parts.db", read_only=True) as store:
        assert store.head().count >= told["parts"] + 3
        assert store.verify() == []


class working:
    """A station at work in a process of its own; entered once it inspects."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __enter__(self) -> Callable[[], int]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "inspection", "run", "station.toml"],
            cwd=self.home, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stderr is not None
        assert self.process.stderr.readline() == b"line 1: Ready\n"
        while self.recorded() < 20:
            assert self.process.poll() is None
        return self.recorded

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def recorded(self) -> int:
        with open_store(self.home / "parts.db", read_only=True) as store:
            return store.head().count


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a backup's manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(members["backup.json"])
    change(data)
    members["backup.json"] = json.dumps(data).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Iterator[Path]:
    path, _ = back_up(home / "station.toml", tmp_path / "one.backup", progress=quiet)
    yield path
    assert not (tmp_path / "again").exists()
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


@pytest.mark.parametrize("part", ["parts.images/", "flange.recipe", "parts.db", "users.json"])
def test_a_byte_changed_in_any_member_is_found_and_nothing_is_put_back(
    copy: Path, tmp_path: Path, part: str
) -> None:
    with zipfile.ZipFile(copy) as archive:
        info = next(each for each in archive.infolist() if part in each.filename)
        with archive.open(info) as reading:
            place = copy.read_bytes().index(reading.read(), info.header_offset)
    data = bytearray(copy.read_bytes())
    data[place + info.file_size // 2] ^= 1
    copy.write_bytes(data)
    with pytest.raises(BackupError, match=f"^backup {copy}: member {info.filename} is damaged"):
        restore(copy, tmp_path / "again", progress=quiet)


def test_a_member_of_which_the_hash_was_not_made_anew_is_found(copy: Path, tmp_path: Path) -> None:
    def lie(data: dict[str, Any]) -> None:
        data["files"]["flange.recipe"]["sha256"] = "0" * 64

    rewritten(copy, lie)
    with pytest.raises(BackupError, match="member flange.recipe is damaged; its sha256 does not"):
        restore(copy, tmp_path / "again", progress=quiet)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil"])
def test_a_member_that_leads_elsewhere_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(copy, "a") as archive:
        archive.writestr(name, b"evil")
    rewritten(copy, lambda data: data["files"].update({name: {"sha256": "0" * 64, "bytes": 4}}))
    with pytest.raises(BackupError, match="leads out of its folder"):
        restore(copy, tmp_path / "again", progress=quiet)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data.update(format=2), "format 2, this program reads 1"),
        (lambda data: data.pop("head"), "backup.json is damaged at 'head'"),
        (lambda data: data.update(more=1), "backup.json is damaged at 'more'"),
        (
            lambda data: data["files"].update({"x": {"sha256": "0" * 64, "bytes": 1}}),
            "x is missing",
        ),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    copy: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    rewritten(copy, change)
    with pytest.raises(BackupError, match=problem):
        restore(copy, tmp_path / "again", progress=quiet)


def test_a_file_that_is_no_backup_is_refused(copy: Path, tmp_path: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-100])
    with pytest.raises(BackupError, match="not a backup, or damaged"):
        restore(copy, tmp_path / "again", progress=quiet)
    with pytest.raises(BackupError, match=r"cannot be read \(No such file or directory\)"):
        restore(tmp_path / "none.backup", tmp_path / "again", progress=quiet)


def test_a_folder_that_holds_something_is_left_alone(home: Path, tmp_path: Path) -> None:
    path, _ = back_up(home / "station.toml", tmp_path, progress=quiet)
    before = files(home)
    with pytest.raises(BackupError, match=f"^restore to {home}: holds something already"):
        restore(path, home, progress=quiet)
    assert files(home) == before


def test_a_disk_that_would_be_full_is_not_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(BackupError, match=r"needs 0\.0 GB and 1 GB to stay free, .* has 1\.0 GB"):
        back_up(home / "station.toml", tmp_path / "one.backup", progress=quiet)
    assert not (tmp_path / "one.backup").exists()


def test_a_record_on_a_server_is_left_to_its_own_tools(tmp_path: Path, failure: Any) -> None:
    text = STATION.format(
        record="postgresql+psycopg://me:secret@127.0.0.1/parts", images='images = "p"', recipe="r"
    )
    (tmp_path / "station.toml").write_text(text, "utf-8")
    told = failure("backup", "station.toml", "one.backup")
    assert told.startswith(
        "backup of line 1: its record postgresql+psycopg://me:***@127.0.0.1/parts is on a server; "
        "copy that with pg_dump, and with it the pictures in "
    )


def test_a_station_that_is_not_there_is_told(tmp_path: Path, failure: Any) -> None:
    with pytest.raises(SetupError):
        back_up(tmp_path / "no.toml", tmp_path, progress=quiet)
    assert failure("backup", "no.toml", "one.backup") == "station file no.toml: no such file"
