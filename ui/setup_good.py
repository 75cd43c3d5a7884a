"""The good parts of the set-up page: taken, uploaded, from the record or a dataset, and removed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from gradio.utils import get_upload_folder

from cameras import CameraError
from inspection.dataset import good_files
from inspection.errors import InspectionError, SetupError
from ui import setup_record
from ui.context import Context
from ui.refuse import Refuse
from ui.setup_asked import (
    FOREVER,
    FromDataset,
    FromRecord,
    Names,
    Taking,
    Uploaded,
    draft_of,
    note,
    shown,
)
from ui.setup_draft import MOST_BYTES, Draft

DATASETS = "datasets"


def add_routes(router: APIRouter, context: Context) -> None:
    """Answer what the page asks of good parts."""

    def draft(product: str, view: str) -> Draft:
        return draft_of(context, product, view)

    @router.get("/good/{name}")
    async def picture(name: str, product: str, view: str) -> Response:
        """Give a good part as a browser can show it."""
        return await asyncio.to_thread(shown, draft(product, view).path(name))

    @router.get("/thumb/{name}")
    async def thumb(name: str, product: str, view: str) -> Response:
        """Give a good part, small."""
        path = await asyncio.to_thread(draft(product, view).thumb, name)
        return FileResponse(path, headers={"Cache-Control": FOREVER})

    @router.post("/good/take")
    async def take(wanted: Taking, request: Request) -> dict[str, Any]:
        """Take one picture; the station must be paused."""
        of = draft(wanted.product, wanted.view)
        of.room()
        who = request.scope["user"].name
        name = of.next_name(f"taken-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}")
        place = of.good / name
        await context.runtime.do("take", who=who, view=wanted.view, path=str(place))
        await asyncio.to_thread(of.make_thumb, name)
        return await _added(of, [name], [], reference=wanted.reference)

    @router.post("/good/upload")
    async def upload(wanted: Uploaded, request: Request) -> dict[str, Any]:
        """Take over uploaded files; those that are no pictures are refused by name."""
        of = draft(wanted.product, wanted.view)
        added, refused = await asyncio.to_thread(_take_over, of, wanted.paths)
        await _note_good(context, request, of, "uploaded", added)
        return await _added(of, added, refused)

    @router.post("/good/record")
    async def from_record(wanted: FromRecord, request: Request) -> dict[str, Any]:
        """Add the latest good parts of the record."""
        of = draft(wanted.product, wanted.view)
        added, refused = await asyncio.to_thread(_from_record, context, of, wanted)
        await _note_good(context, request, of, "record", added)
        return await _added(of, added, refused, reference=wanted.reference)

    @router.post("/good/dataset")
    async def from_dataset(wanted: FromDataset, request: Request) -> dict[str, Any]:
        """Add the good parts of a dataset that review exported."""
        of = draft(wanted.product, wanted.view)
        if wanted.name not in datasets(context):
            raise Refuse(f"dataset {wanted.name!r}: there is none of this name", status=404)
        folder = context.folder / DATASETS / wanted.name
        added, refused = await asyncio.to_thread(_from_dataset, of, folder)
        await _note_good(context, request, of, f"dataset {wanted.name}", added)
        return await _added(of, added, refused)

    @router.post("/good/remove")
    async def remove(wanted: Names, request: Request) -> dict[str, Any]:
        """Take good parts out; they can be brought back."""
        of = draft(wanted.product, wanted.view)
        names = await asyncio.to_thread(of.remove, wanted.names)
        await note(context, request, "good_parts_removed", **_about(of), names=names[:100])
        return {"ok": True, "removed": names}

    @router.post("/good/restore")
    async def restore(wanted: Names, request: Request) -> dict[str, Any]:
        """Bring removed parts back."""
        of = draft(wanted.product, wanted.view)
        names = await asyncio.to_thread(of.restore, wanted.names)
        await _note_good(context, request, of, "brought back", names)
        return await _added(of, names, [])


def datasets(context: Context) -> list[str]:
    """Name the datasets review exported."""
    folder = context.folder / DATASETS
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.is_symlink())


def _take_over(draft: Draft, paths: list[str]) -> tuple[list[str], list[str]]:
    """Keep uploaded files and remove Gradio's copies; give names here, and why others are refused."""
    added, refused = [], []
    uploads = Path(get_upload_folder()).resolve()
    for given in paths:
        path = Path(given).resolve()
        if not path.is_relative_to(uploads) or not path.is_file():
            raise Refuse("upload: no such file was uploaded", status=404)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise SetupError(f"picture {path.name!r}: more than {MOST_BYTES >> 20} MB")
            added.append(draft.add(path.read_bytes(), path.name))
        except (
            InspectionError,
            CameraError,
            OSError,
        ) as error:  # one bad file does not keep the others out
            refused.append(" ".join(str(error).split()))
        finally:
            path.unlink(missing_ok=True)
    return added, refused


def _from_record(context: Context, draft: Draft, wanted: FromRecord) -> tuple[list[str], list[str]]:
    setup_record.one_view(len(context.settings.views))
    parts = setup_record.latest(
        context.store,
        station=context.settings.station,
        product=draft.product,
        count=wanted.count,
        good=True,
        lot=wanted.lot or None,
        since=wanted.since and wanted.since.astimezone(),
        until=wanted.until and wanted.until.astimezone(),
    )
    there = {Path(name).stem for name in draft.names()}
    fresh = [path for record, path in parts if f"part-{record.part_id}" not in there]
    names = [f"part-{record.part_id}{path.suffix}" for record, path in parts]
    added, refused = _copied(draft, dict(zip(names, [p for _, p in parts], strict=True)), fresh)
    return (added or names[:1] if wanted.reference else added), refused


def _from_dataset(draft: Draft, folder: Path) -> tuple[list[str], list[str]]:
    files = good_files(folder)
    there = set(draft.names())
    fresh = [path for path in files if path.name not in there]
    return _copied(draft, {path.name: path for path in files}, fresh)


def _copied(draft: Draft, named: dict[str, Path], fresh: list[Path]) -> tuple[list[str], list[str]]:
    added, refused = [], []
    for name, path in named.items():
        if path not in fresh:
            continue
        try:
            added.append(draft.add(path.read_bytes(), name))
        except (
            InspectionError,
            CameraError,
            OSError,
        ) as error:  # one bad file does not keep the others out
            refused.append(" ".join(str(error).split()))
    return added, refused


async def _added(
    draft: Draft, added: list[str], refused: list[str], *, reference: bool = False
) -> dict[str, Any]:
    if reference and added:
        await asyncio.to_thread(draft.write_note, reference=added[0])
    return {"ok": True, "added": added, "refused": refused}


def _about(draft: Draft) -> dict[str, str]:
    return {"product": draft.product, "view": draft.view}


async def _note_good(
    context: Context, request: Request, draft: Draft, source: str, names: list[str]
) -> None:
    if names:
        detail = {**_about(draft), "from": source, "count": len(names)}
        await note(context, request, "good_parts_added", **detail)
