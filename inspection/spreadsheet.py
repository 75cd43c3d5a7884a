"""CSV for spreadsheets: what a scanner read is never run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection (2025): the starts of
# a formula, those of full width in Japanese ones included, and the blanks before which Excel skips.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(
    rows: Iterable[Sequence[object]], *, separator: str = ",", line_end: str = "\r\n"
) -> str:
    """Write rows as CSV; a text that a spreadsheet would run gets a `'` before it, numbers stay."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def csv_rows(text: str) -> list[list[str]]:
    """Read a table with commas; the `'` before what would be a formula goes. Raises ValueError."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not readable as CSV ({error})") from error
    return [[_plain(cell) for cell in row] for row in rows if row]


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
