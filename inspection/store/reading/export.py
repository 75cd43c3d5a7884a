"""What is read out of a record for people: lists, tables for other programs, the report of a lot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from inspection.durable_files import copy_file, replacing, sync_tree
from inspection.errors import InspectionError
from inspection.spreadsheet import csv_text
from inspection.store import PartRecord, Store
from inspection.store.chain import canonical
from inspection.store.filters import PartFilter
from inspection.store.reading.flat_columns import FLAT_COLUMNS, NUMBERS, flat_columns

_PAGE = 1000
_WRITE_AT_ONCE = 5000
_JSON_COLUMNS = ("regions", "health", "latency_ms", "capture", "reason_values", "process")
_FLOAT_COLUMNS = ("score", "p_value", "threshold")
_COLUMNS = (
    *(each.name for each in fields(PartRecord) if each.name != "cause"),
    "reason_code",
    "reason_values",
)


class RecordsError(InspectionError):
    """A record could not be listed, exported or reported as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote; `images_missing` were removed by rule, or are lost (`verify` tells)."""

    parts: int
    images: int
    images_missing: int


def all_parts(
    store: Store, part_filter: PartFilter, *, newest_first: bool = False
) -> Iterator[PartRecord]:
    """Read every part that matches, page by page: memory does not grow with the record."""
    after = None
    while page := store.parts(
        part_filter, after_number=after, limit=_PAGE, newest_first=newest_first
    ):
        yield from page
        after = page[-1].number


def newest(store: Store, part_filter: PartFilter, limit: int) -> list[PartRecord]:
    """Read up to `limit` parts that match, the newest first."""
    return list(islice(all_parts(store, part_filter, newest_first=True), limit))


def flat(record: PartRecord) -> dict[str, Any]:
    """Flatten a part to one row of plain values; what is nested becomes JSON text."""
    row: dict[str, Any] = {name: getattr(record, name, None) for name in _COLUMNS}
    row["reason_code"], row["reason_values"] = record.cause.code, record.cause.as_values()
    row["verdict"] = record.verdict.value
    row["regions"] = [region.as_json() for region in record.regions]
    for name in _JSON_COLUMNS:
        row[name] = canonical(row[name])
    for name in ("captured_at", "judged_at"):
        row[name] = None if row[name] is None else row[name].isoformat()
    return row


Columns = Mapping[str, Callable[[PartRecord], str | None]]
"""Further columns of a table of parts: the name of each, and what it holds of a part."""


def export(
    store: Store,
    part_filter: PartFilter,
    target: Path,
    *,
    images: Path | None = None,
    columns: Columns | None = None,
) -> ExportReport:
    """Write the parts that match to a .csv or .parquet file, and their pictures to `images`.

    The file is written aside and renamed: an earlier one stays until the new one is complete.
    Raises RecordsError for another suffix.
    """
    return write_table(store, all_parts(store, part_filter), target, images=images, columns=columns)


def write_table(
    store: Store,
    found: Iterable[PartRecord],
    target: Path,
    *,
    images: Path | None = None,
    columns: Columns | None = None,
) -> ExportReport:
    """Write parts that were found otherwise, as `export` does."""
    opened = _writer_for(target)
    columns = columns or {}
    names = [*_COLUMNS, *columns, *FLAT_COLUMNS]
    copied = _Pictures(store, images)
    count = 0
    rows = (_row(copied.taken(record), columns) for record in found)
    with replacing(target) as aside, opened(aside, names) as write:
        while batch := list(islice(rows, _WRITE_AT_ONCE)):
            write(batch)
            count += len(batch)
        copied.sync()
    return ExportReport(parts=count, images=copied.count, images_missing=copied.missing)


def _row(record: PartRecord, columns: Columns) -> dict[str, Any]:
    more = {name: value(record) for name, value in columns.items()}
    return flat(record) | more | flat_columns(record)


_Write = Callable[[list[dict[str, Any]]], object]


def _writer_for(target: Path) -> Callable[[Path, Sequence[str]], AbstractContextManager[_Write]]:
    writers = {".csv": _csv, ".parquet": _parquet}
    if (opened := writers.get(target.suffix.lower())) is None:
        raise RecordsError(
            f"export {target}: unknown kind of file {target.suffix!r}; give a name that ends in "
            f"{' or '.join(writers)}"
        )
    return opened


@contextmanager
def _csv(path: Path, names: Sequence[str]) -> Iterator[_Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text([names]))
        yield lambda rows: file.write(csv_text([row[name] for name in names] for row in rows))


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[_Write]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as exc:
        raise RecordsError(
            f"export {path.name}: needs the package pyarrow, which is not installed; "
            'run pip install "inspection[parquet]", or export to .csv'
        ) from exc
    numbers = dict.fromkeys((*_FLOAT_COLUMNS, *NUMBERS), pyarrow.float64())
    kinds = {"number": pyarrow.int64(), **numbers}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in names])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        yield lambda rows: writer.write_batch(pyarrow.RecordBatch.from_pylist(rows, schema=schema))


class _Pictures:
    """Copies the pictures of parts into a folder, by the path they have in the archive."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self.store = store
        self.folder = folder
        self.count = 0
        self.missing = 0
        self._days: set[Path] = set()

    def taken(self, record: PartRecord) -> PartRecord:
        """Copy the part's picture, if asked and there is one; give the part on."""
        source = self.store.image_path(record)
        if self.folder is None or source is None:
            return record
        target = self.folder / str(record.image)
        try:
            copy_file(source, target, sync=False)
            self._days.add(target.parent)
            self.count += 1
        except FileNotFoundError:
            self.missing += 1
        return record

    def sync(self) -> None:
        """Flush what was copied to the disk, all at once: one by one takes many times as long."""
        for folder in self._days:
            sync_tree(folder)
