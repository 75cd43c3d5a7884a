"""Converted networks, kept on disk: converting one takes a second or two, reading it a tenth."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from models._program import read_model, to_bytes

if TYPE_CHECKING:
    import openvino

KEPT_FILES = 16
DIGEST_BYTES = 32
LENGTH_BYTES = 8


def cache_folder() -> Path | None:
    """Where converted networks are kept, or None where the user has no home."""
    try:
        return Path.home() / ".cache" / "inspection" / "networks"
    except RuntimeError:
        return None


def converted(key: str, convert: Callable[[], openvino.Model]) -> openvino.Model:
    """The result of `convert`, from disk if it was kept under this `key`.

    A damaged file is made anew, and without a place to write to nothing is kept. The model comes
    out of its bytes either way, so it is the same whether it was kept or not.
    """
    folder = cache_folder()
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.network" if folder else None
    found = _read(path) if path else None
    if found is None:
        found = to_bytes(convert())
        if path:
            with suppress(OSError):  # full, or not ours to write to: then it is converted each time
                _write(path, *found)
    return read_model(*found)


def _read(path: Path) -> tuple[bytes, bytes] | None:
    """The program's two files, or None when the file is not there or not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, rest = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if hashlib.sha256(rest).digest() != digest:
        return None
    end = LENGTH_BYTES + int.from_bytes(rest[:LENGTH_BYTES], "big")
    return rest[LENGTH_BYTES:end], rest[end:]


def _write(path: Path, xml: bytes, weights: bytes) -> None:
    """Write aside, rename, and drop the oldest beyond KEPT_FILES."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rest = len(xml).to_bytes(LENGTH_BYTES, "big") + xml + weights
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(rest).digest() + rest)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    newest_first = sorted(path.parent.glob("*.network"), key=lambda p: -p.stat().st_mtime_ns)
    for old in newest_first[KEPT_FILES:]:
        old.unlink(missing_ok=True)
