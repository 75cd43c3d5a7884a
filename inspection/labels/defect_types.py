"""The types of defects a station knows, in the order of the keys 1 to 9."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from inspection.durable_files import replace_json
from inspection.errors import InspectionError

FILE = "defects.json"
FORMAT = 1
MOST = 9
LONGEST = 40
FIRST = ("scratch", "dent", "crack", "contamination", "missing", "deformed")
"""Until a person names others; the catalogue has a text for each."""
RESERVED = frozenset({"good", "ok", "ng", "defect"})
_NAME = re.compile(r"\w(?:[\w +-]*\w)?")


class DefectsError(InspectionError):
    """A list of defect types cannot be used."""


class Defects:
    """The list in the page folder; read anew each time, for other pages may change it."""

    def __init__(self, page_folder: Path) -> None:
        self.path = page_folder / FILE

    def list(self) -> tuple[str, ...]:
        """Read the types. Raises DefectsError where the file is damaged."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
            if told["format"] != FORMAT:
                raise ValueError(f"format {told['format']!r}, {FORMAT} is known")
            return checked(told["types"])
        except FileNotFoundError:
            return FIRST
        except (OSError, ValueError, KeyError, TypeError, DefectsError) as error:
            raise DefectsError(
                f"defect types {self.path}: damaged ({error}); remove the file to begin anew"
            ) from None

    def change(self, types: Sequence[str]) -> tuple[str, ...]:
        """Replace the list; give it as written. Raises DefectsError."""
        found = checked(types)
        replace_json(self.path, {"format": FORMAT, "types": found}, private=True, indent=1)
        return found


def checked(types: Sequence[str]) -> tuple[str, ...]:
    """Check a list of types: 1 to 9 names, each once, each good as the name of a folder."""
    names = tuple(unicodedata.normalize("NFC", name).strip() for name in types)
    if not 1 <= len(names) <= MOST:
        raise DefectsError(f"defect types: 1 to {MOST} are allowed, got {len(names)}")
    for name in names:
        if not is_name(name):
            raise DefectsError(
                f"defect type {name!r}: allowed are letters, digits, blanks, '+', '-' and '_', at most "
                f"{LONGEST}, and none of {', '.join(sorted(RESERVED))}"
            )
    if len({folder_of(name) for name in names}) < len(names):
        raise DefectsError("defect types: each needs a name of its own")
    return names


def is_name(name: str) -> bool:
    """Whether a text can be the name of a type, and so of a folder."""
    fits = _NAME.fullmatch(name) is not None and len(name) <= LONGEST
    return fits and folder_of(name) not in RESERVED


def folder_of(defect: str) -> str:
    """Name the folder of a type in a dataset."""
    return re.sub(r"\s+", "_", defect.strip()).casefold()
