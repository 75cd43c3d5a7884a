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


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
