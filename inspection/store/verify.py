"""Reads the whole record again and says where it is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, exists, select

from inspection.store.chain import ChainHead, breaks
from inspection.store.event_kinds import Author, EventKind
from inspection.store.pictures.archive import Archive
from inspection.store.schema import actions, chain, events, parts

_BATCH = 1000


def broken_rows(connection: Connection, noted: ChainHead | None) -> Iterator[str]:
    """Check the three chains, and that a head noted earlier is still in the record."""
    for table, what in ((parts, "part"), (events, "event"), (actions, "action")):
        query = select(chain.c.count, chain.c.hash).where(chain.c.name == table.name)
        found = connection.execute(query).one_or_none()
        if found is None:
            yield f"the end of the chain of {table.name} is missing; it was removed"
        rows = _streamed(connection, select(table).order_by(table.c.number))
        yield from breaks(rows, None if found is None else ChainHead(*found), what)
    if noted is not None and noted.count > 0:
        query = select(parts.c.hash).where(parts.c.number == noted.count)
        if connection.scalar(query) != noted.hash:
            yield (
                f"part {noted.count}: is not the one noted (hash {noted.hash}); "
                "the record up to it was rewritten"
            )


def broken_pictures(connection: Connection, archive: Archive) -> Iterator[str]:
    """Check every picture that no rule removed, and list files that no row names."""
    known = set()
    for row in _streamed(connection, _pictures()):
        known.add(row["image"])
        if fault := archive.fault(row["image"], row["image_sha256"], may_be_gone=row["removed"]):
            yield f"part {row['number']}: {fault}"
    for image in archive.orphans(known):
        yield (
            f"picture {image}: no part names it; harmless after a crash, "
            "otherwise its row was removed"
        )


def _pictures() -> Select[Any]:
    # The event is the proof that a rule removed a picture: it is under the hash.
    said = (
        events.c.part_id == parts.c.part_id,
        events.c.kind == EventKind.PICTURE_REMOVED.value,
        events.c.who == Author.RETENTION.value,
    )
    removed = exists(select(events.c.number).where(*said)).label("removed")
    columns = (parts.c.number, parts.c.image, parts.c.image_sha256, removed)
    return select(*columns).where(parts.c.image.is_not(None)).order_by(parts.c.number)


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Mapping[str, Any]]:
    result = connection.execute(query, execution_options={"yield_per": _BATCH})
    for row in result.mappings():
        yield dict(row)
