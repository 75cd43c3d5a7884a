"""Where parts come from: a record, a table, or the record of a station, read once or as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inspection.monitoring.part_rows import SHIFTS, PartRow, RecordRows, rows_of_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inspection.store import Store

PAGE = 1000


class GrowingRecord:
    """The parts of an open record in order; `rows` gives those that came since it was asked last."""

    def __init__(self, store: Store, shifts: Sequence[str] = SHIFTS) -> None:
        self._store, self._rows = store, RecordRows(shifts)
        self._after: int | None = None

    def rows(self) -> Iterator[PartRow]:
        """The parts that came since, the oldest first."""
        while page := self._store.parts(after_number=self._after, limit=PAGE, newest_first=False):
            for record in page:
                self._after = record.number
                yield self._rows.row(record)


@contextmanager
def opened(
    where: str, *, images: Path | None = None, shifts: Sequence[str] = SHIFTS
) -> Iterator[Callable[[], Iterator[PartRow]]]:
    """Open a record or a table (.csv); what is given reads on where it stopped.

    Raises StoreError, MonitorError.
    """
    from inspection.store import open_to_read

    if where.lower().endswith(".csv"):
        rows = rows_of_table(Path(where), shifts)
        yield lambda: rows
        return
    with open_to_read(where, images=images) as store:
        yield GrowingRecord(store, shifts).rows
