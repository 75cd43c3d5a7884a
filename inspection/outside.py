"""What comes from outside is read within bounds, and what cannot be read is refused at its door.

A door is where a thread meets bytes that others sent: a broker, a port, a scanner, a file. Behind it
stands only what was read by the functions here, and whatever goes wrong at it is a refusal: it is
counted, told at most once a second, and the thread goes on.
"""

from __future__ import annotations

import json
import logging
import re
import struct
import threading
import time
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from inspection.covered import covered_text
from inspection.errors import InspectionError

T = TypeVar("T")
LONGEST_TEXT = 1000
"""Characters of a serial, a lot, a product, an id; the longest codes on parts have a few hundred."""
DEEPEST = 32
"""How deep JSON or TOML may be nested; what the product reads has five levels at most."""
TOLD_EVERY_S = 1.0
LARGEST_TOML = 1 << 20
ARCHIVE_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What `zipfile`, and numpy reading arrays through it, raise for an archive that is not right."""

log = logging.getLogger(__name__)
# A string that does not end swallows the rest, as it does for the parser: the search stays linear.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)


class Refused(InspectionError):
    """What came from outside is too large, too deep or not what it should be."""


class TooLarge(Refused):
    """What came from outside is larger than anything of its kind."""


def read_json(data: bytes, *, most_bytes: int, deepest: int = DEEPEST) -> Any:
    """Read JSON that others wrote. Raises Refused for whatever is wrong with it.

    NaN and infinite numbers are none of JSON's and are refused.
    """
    _check_size(len(data), most_bytes)
    try:
        text = data.decode("utf-8")
        _check_depth(_STRING.sub(b"", data), deepest)
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON ({_first_line(error)})") from None


def read_toml(data: bytes, *, most_bytes: int = LARGEST_TOML) -> dict[str, Any]:
    """Read TOML that others wrote. Raises Refused for whatever is wrong with it."""
    _check_size(len(data), most_bytes)
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, OverflowError) as error:
        raise Refused(f"not readable as TOML ({_first_line(error)})") from None
    except RecursionError:
        raise Refused("not readable as TOML (nested too deeply)") from None


def read_file(path: Path, *, most_bytes: int) -> bytes:
    """Read a file somebody names: a plain file of at most so many bytes. Raises OSError, Refused."""
    from cameras._picture_files.regular_file import read_regular

    try:
        return read_regular(path, most_bytes=most_bytes)
    except ValueError as error:
        raise Refused(str(error)) from None


def check_text(name: str, text: str | None) -> None:
    """Raise Refused for a text that is longer than any of its kind."""
    if text is not None and len(text) > LONGEST_TEXT:
        raise Refused(f"{name}: {len(text)} characters, at most {LONGEST_TEXT} are allowed")


def count_of(text: str, *, most: int) -> int:
    """Read a count of bytes as a header has it. Raises Refused unless it is 0 to `most`."""
    plain = text.isascii() and text.isdecimal() and len(text) <= 12
    if not plain or int(text) > most:
        raise TooLarge(f"a length of {text[:12]!r} bytes, 0 to {most} are allowed")
    return int(text)


class Door:
    """Counts what is refused at one place, and tells of it at most once a second. Any thread may call."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.refused = name, 0
        self._clock, self._lock = clock, threading.Lock()
        self._untold, self._told_at = 0, -TOLD_EVERY_S

    def refuse(self, why: str) -> None:
        """Count a refusal; the log has a line of it unless the last is younger than a second."""
        with self._lock:
            self.refused += 1
            now = self._clock()
            if now - self._told_at < TOLD_EVERY_S:
                self._untold += 1
                return
            more, self._untold, self._told_at = self._untold, 0, now
        others = f" (and {more} more since the last line)" if more else ""
        text = covered_text(" ".join(why.split())[:300])
        log.warning("%s: refused: %s%s", self.name, text, others)

    def attempt(
        self, work: Callable[[], T], *, refused: Callable[[Exception], object] = lambda error: None
    ) -> T | None:
        """Do `work` on what came; any error of it is a refusal, which `refused` may answer.

        None where it was refused. `refused` may fail too: whoever asked is then not answered.
        """
        try:
            return work()
        except Exception as error:  # bytes from outside never end a thread
            why, problem = in_words(error), error
        try:
            refused(problem)
        except Exception as error:
            why = f"{why}; and could not be answered: {in_words(error)}"
        self.refuse(why)
        return None


def in_words(error: BaseException) -> str:
    """Say what went wrong in one line; an error that nobody wrote for a person, with its kind."""
    text = _first_line(error)
    return (
        text if isinstance(error, InspectionError) else f"unexpected {type(error).__name__}: {text}"
    )


def _check_size(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise TooLarge(f"{size} bytes, at most {most_bytes} are allowed")


def _check_depth(data: bytes, deepest: int) -> None:
    depth = 0
    for mark in re.findall(rb"[\[\]{}]", data):
        depth += 1 if mark in b"[{" else -1
        if depth > deepest:
            raise ValueError(f"nested deeper than {deepest} levels")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
