"""Files are whole or not there, and on the disk with their name when the call returns."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from inspection.durable_files import (
    copy_file,
    make_folder,
    new_file,
    replace_file,
    replace_json,
    replacing,
    sync_folder,
    sync_tree,
)

ROOT = Path(__file__).parents[1]
OWN_WAY = {
    "inspection/durable_files.py": "the one place",
    "inspection/store/pictures/staging.py": "has a name of its own until the row is there",
    "inspection/store/writer.py": "the process number in a lock file, only for a message",
    "inspection/plant/outputs/csv_file.py": "appends",
    "inspection/station/recipe_library.py": "puts back a file that is whole",
    "inspection/labels/dataset_export.py": "a folder, flushed whole by sync_tree",
    "inspection/backup/restore.py": "a folder, flushed whole by sync_tree",
    "inspection/training/bench/__init__.py": "pictures that are lent to a run",
    "inspection/training/bench/ours.py": "what a child process is asked and answers",
    "inspection/jobs/jobs.py": "what a process prints; pictures that are lent to it",
    "inspection/store/reading/export.py": "into the file `replacing` lends",
    "inspection/station/station_file_edit.py": "into the file `replacing` lends",
}  # fmt: skip
BY_HAND = re.compile(
    r"os\.(?:replace|rename|fsync)\(|mkstemp|NamedTemporaryFile\([^)]*delete=False"
    r"|\.write_(?:text|bytes)\(|\.open\(\"[wxa]|copyfile\("
)

WRITERS: dict[str, Callable[[Path], object]] = {
    "replace_file": lambda path: replace_file(path, b"new"),
    "replace_json": lambda path: replace_json(path, "new"),
    "new_file": lambda path: new_file(path.with_name("other"), b"new"),
    "copy_file": lambda path: copy_file(path.with_name("source"), path),
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a file to replace and one to copy."""
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "file").write_bytes(b"old")
    return tmp_path / "file"


def synced_by(monkeypatch: pytest.MonkeyPatch, write: Callable[[], object]) -> list[str]:
    """Names of what was flushed, in order."""
    names: list[str] = []
    really = os.fsync

    def fsync(handle: int) -> None:
        names.append(os.readlink(f"/proc/self/fd/{handle}"))
        really(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        write()
    return [re.sub(r"^\.(.*)\.[0-9a-f]{16}\.part$", r"\1", Path(name).name) for name in names]


@pytest.mark.parametrize("name", WRITERS)
def test_file_and_folder_are_flushed(name: str, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = "other" if name == "new_file" else "file"
    assert synced_by(monkeypatch, lambda: WRITERS[name](old)) == [written, old.parent.name]
    assert b"new" in (old.with_name(written)).read_bytes()


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    name: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        WRITERS[name](old)
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in old.parent.iterdir()) == ["file", "source"]


def test_a_writer_that_raises_leaves_the_old_file(old: Path) -> None:
    with pytest.raises(ValueError, match="half"), replacing(old) as aside:
        aside.write_bytes(b"half")
        raise ValueError("half")
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in old.parent.iterdir()) == ["file", "source"]


def test_a_new_file_is_never_replaced(old: Path) -> None:
    new_file(old, b"new")
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in old.parent.iterdir()) == ["file", "source"]


def test_a_private_file_is_private_from_the_first_byte(tmp_path: Path) -> None:
    with replacing(tmp_path / "a", private=True) as aside:
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
        aside.write_text("x")
    new_file(tmp_path / "b", b"", private=True)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    replace_file(tmp_path / "c", b"")
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) != 0o600


def test_progress_spares_the_disk(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert synced_by(monkeypatch, lambda: replace_json(old, {}, sync=False)) == []
    assert old.read_text() == "{}"


def test_folders_outlive_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "a" / "b"
    assert synced_by(monkeypatch, lambda: make_folder(made)) == [tmp_path.name, "a"]
    (made / "file").touch()
    assert synced_by(monkeypatch, lambda: sync_tree(tmp_path / "a")) == ["b", "file", "a"]


def test_a_share_without_fsync_of_folders_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(handle: int) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "fsync", unknown)
    number = errno.EINVAL
    sync_folder(tmp_path)
    number = errno.EIO
    with pytest.raises(OSError, match="refused"):
        sync_folder(tmp_path)


def test_nobody_writes_files_in_a_way_of_his_own() -> None:
    by_hand = {
        path.relative_to(ROOT).as_posix()
        for package in ("inspection", "ui")
        for path in (ROOT / package).rglob("*.py")
        if BY_HAND.search(path.read_text("utf-8"))
    }
    assert by_hand == OWN_WAY.keys()
