"""Who did what, when: the audit record for an administrator's eyes, and as a table to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from inspection.jobs import VERIFY, Job, Jobs
from inspection.spreadsheet import csv_text
from inspection.store import Store
from inspection.store.chain import canonical
from inspection.store.event_kinds import RECORD_KINDS, ActionKind
from inspection.store.filters import ALL_PARTS
from inspection.store.reading.audit_log import AuditEntry, Cursor, all_deeds, deeds
from inspection.store.reading.summary import columns_by_id
from ui.core.audit import record_action
from ui.core.background import job_status, start_verification
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import Refused

PAGE = 50
CHUNK = 500
COLUMNS = ("at_utc", "who", "kind", "part_id", "detail", "table", "number", "hash")

Filter = Annotated[str | None, Query(max_length=200)]
Number = Annotated[int | None, Query(ge=1)]


def routes(context: Context) -> APIRouter:
    """Give the audit record out as a table."""
    router = APIRouter(prefix="/audit")

    @router.get("/table.csv")
    async def table(request: Request, kind: Filter = None, who: Filter = None) -> StreamingResponse:
        """Download all that matches as CSV for Excel and others; the download itself is noted."""
        detail = {"kind": kind or None, "who": who or None}
        await _noted(context, request, ActionKind.AUDIT_EXPORTED, detail)
        name = f"{context.settings.station}-audit.csv".encode("ascii", "replace").decode()
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
        return StreamingResponse(
            _csv(all_deeds(context.store, kind=kind or None, who=who or None)),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{safe}"'},
        )

    return router


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first, the numbers of the parts they are about, and where the next page begins."""

    entries: Sequence[AuditEntry]
    numbers: Mapping[str, int]
    following: Cursor | None


def audit_page(
    store: Store, *, kind: str | None, who: str | None, before: Cursor | None
) -> AuditPage:
    """Read one page of what was done."""
    entries, following = deeds(store, kind=kind or None, who=who or None, before=before, limit=PAGE)
    return AuditPage(entries, _numbers(store, entries), following)


def choices(context: Context) -> tuple[list[str], list[str]]:
    """Names and kinds to choose from: all users and who acted lately, all kinds and those seen lately."""
    lately, _ = deeds(context.store, limit=1000)
    names = {user.name for user in context.users.list()} | {deed.who for deed in lately}
    return sorted(names), sorted({*RECORD_KINDS, *(deed.kind for deed in lately)})


async def verify(context: Context, request: Request) -> None:
    """Begin to check that the record is as it was written. Raises Refuse while that goes on."""
    jobs = context.jobs
    if await asyncio.to_thread(jobs.running, VERIFY):
        text = context.words.say("admin.already_running", request.scope["language"])
        raise Refuse(text, status=409)
    who = request.scope["user"].name
    await asyncio.to_thread(start_verification, jobs, context.settings, who=who, pictures=True)
    await _noted(context, request, ActionKind.RECORD_VERIFIED, {})


def verification(jobs: Jobs) -> dict[str, Any]:
    """How the last check is: what it found, and how many parts up to which hash."""
    status = job_status(_last_verification(jobs), VERIFY)
    if (result := status["found"]) is not None:
        names = {"findings": result["findings"], "faults": result["count"]}
        status["found"] = {**names, **result["head"]}
    return status


def _last_verification(jobs: Jobs) -> Job | None:
    """Find the verification at work, else the newest that read the pictures too."""
    newest = jobs.newest_first(VERIFY)
    return next((job for job in newest if job.running or job.about["pictures"]), None)


async def _noted(
    context: Context, request: Request, kind: ActionKind, detail: dict[str, Any]
) -> None:
    """Note what changes nothing; it is done even where the station is gone and cannot note it."""
    with suppress(Refused):
        who = request.scope["user"].name
        await record_action(context, kind, who=who, detail=detail)


def _numbers(store: Store, page: Sequence[AuditEntry]) -> dict[str, int]:
    """Look up the number of each part these entries are about."""
    ids = sorted({deed.part_id for deed in page if deed.part_id is not None})
    return dict(columns_by_id(store, ALL_PARTS, ids, ("part_id", "number")))


def _csv(found: Iterator[AuditEntry]) -> Iterator[bytes]:
    yield ("\ufeff" + csv_text([COLUMNS])).encode()  # Excel takes it for UTF-8 only with this mark
    while some := [_cells(deed) for deed in islice(found, CHUNK)]:
        yield csv_text(some).encode()


def _cells(deed: AuditEntry) -> list[object]:
    detail = canonical(deed.detail)
    return [
        deed.at.isoformat(),
        deed.who,
        deed.kind,
        deed.part_id or "",
        detail,
        deed.table,
        deed.number,
        deed.hash,
    ]
