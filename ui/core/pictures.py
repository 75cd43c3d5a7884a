"""Pictures of parts for a browser: from the station's memory, else from the record."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from inspection.station.rejudge import StoredPartRejudge
from inspection.store import PartRecord
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import Refused

KEPT = 64
FOREVER = "private, max-age=86400, immutable"


def routes(context: Context) -> APIRouter:
    """Serve `/pictures/PART_ID/…`; a part's picture never changes."""
    router = APIRouter(prefix="/pictures")
    fresh = _Fresh(context)
    rejudge = StoredPartRejudge(context.settings, context.folder)

    @router.get("/{part_id}/screen")
    async def screen(part_id: str) -> Response:
        """The picture as it is best shown: JPEG while the station has it, else as recorded."""
        data = await fresh.get(f"/picture/{part_id}.jpg")
        return _answer(data, "image/jpeg") if data else await _recorded(context, part_id)

    @router.get("/{part_id}/full")
    async def full(part_id: str) -> Response:
        """The picture as it is in the record, without loss; who follows a link to it is given a file."""
        return await _recorded(context, part_id, as_file=True)

    @router.get("/{part_id}/heat")
    async def heat(part_id: str, request: Request) -> Response:
        """The heat over the picture, transparent where nothing is unusual."""
        data = await fresh.get(f"/heat/{part_id}.png")
        if data is None:
            record = await _record(context, part_id)
            data = await asyncio.to_thread(
                rejudge.heat_png, record, context.store.image_path(record)
            )
        if data is None:
            raise Refuse(context.words.say("base.no_heat", request.scope["language"]), status=404)
        return _answer(data, "image/png")

    return router


class _Fresh:
    """Pictures asked of the station once, however many pages want them."""

    def __init__(self, context: Context) -> None:
        self._runtime = context.runtime
        self._asked: OrderedDict[str, asyncio.Task[bytes | None]] = OrderedDict()

    async def get(self, path: str) -> bytes | None:
        """The station's picture; None when it has it no longer, or is gone."""
        task = self._asked.get(path)
        if task is None:
            task = self._asked[path] = asyncio.create_task(self._ask(path))
            while len(self._asked) > KEPT:
                self._asked.popitem(last=False)
        found = await asyncio.shield(task)
        if found is None:
            self._asked.pop(path, None)
        return found

    async def _ask(self, path: str) -> bytes | None:
        try:
            return await self._runtime.get(path)
        except Refused:
            return None


async def _record(context: Context, part_id: str) -> PartRecord:
    record = await asyncio.to_thread(context.store.part, part_id)
    if record is None:
        raise Refuse(f"part {part_id!r}: is not in the record", status=404)
    return record


async def _recorded(context: Context, part_id: str, *, as_file: bool = False) -> Response:
    record = await _record(context, part_id)
    path = context.store.image_path(record)
    if path is None or not path.is_file():
        raise Refuse(f"part {part_id}: has no picture, or a rule removed it", status=404)
    return FileResponse(
        path,
        media_type=_kind(path),
        headers={"Cache-Control": FOREVER},
        filename=path.name if as_file else None,
    )


def _kind(path: Path) -> str:
    known = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".bmp": "image/bmp"}
    return known.get(path.suffix.lower(), "application/octet-stream")


def _answer(data: bytes, kind: str) -> Response:
    return Response(data, media_type=kind, headers={"Cache-Control": FOREVER})
