"""The good parts of the set-up page: taken, uploaded, from the record or a dataset, and removed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from cameras import CameraError
from inspection.errors import InspectionError, SetupError
from inspection.labels import part_selection
from inspection.store.event_kinds import ActionKind
from inspection.training.dataset_folder import good_files
from ui.core.audit import audited, record_failure
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.pages.setup.draft import MOST_BYTES, SetupDraft
from ui.pages.setup.requests import (
    FOREVER,
    FileName,
    FromDataset,
    FromRecord,
    Name,
    PictureNames,
    draft_of,
    shown,
)
from ui.pages.setup.uploads import Uploads

DATASETS = "datasets"


def add_routes(router: APIRouter, context: Context) -> None:
    """Answer what the page asks of good parts."""
    _pictures(router, context)

    uploads = Uploads(context.folder / "uploads")

    def draft(product: str, view: str) -> SetupDraft:
        return draft_of(context, product, view)

    @router.post("/good/upload")
    async def upload(product: Name, view: Name, name: FileName, request: Request) -> dict[str, Any]:
        """Take one file, the body of the request; what is no picture is refused by name."""
        of = draft(product, view)
        async with uploads.received(request.stream()) as path:
            return await _add(context, request, of, "uploaded", {name: path})

    @router.post("/good/record")
    async def from_record(wanted: FromRecord, request: Request) -> dict[str, Any]:
        """Add the latest good parts of the record."""
        of = draft(wanted.product, wanted.view)
        fresh, latest = await asyncio.to_thread(_of_record, context, of, wanted)
        found = await _add(context, request, of, "record", fresh, reference=wanted.reference)
        if wanted.reference and not found["added"] and latest is not None:
            await choose(request, of, latest)
            found["added"] = [latest]
        return found

    @router.post("/good/dataset")
    async def from_dataset(wanted: FromDataset, request: Request) -> dict[str, Any]:
        """Add the good parts of a dataset that review exported."""
        of = draft(wanted.product, wanted.view)
        fresh = await asyncio.to_thread(_of_dataset, context, of, wanted.name)
        return await _add(context, request, of, f"dataset {wanted.name}", fresh)

    @router.post("/good/remove")
    async def remove(wanted: PictureNames, request: Request) -> dict[str, Any]:
        """Take good parts out; they can be brought back."""
        of = draft(wanted.product, wanted.view)
        there = set(await asyncio.to_thread(of.names))
        names = [name for name in wanted.names if name in there]
        if not names:
            return {"ok": True, "removed": []}
        detail = {**_about(of), "count": len(names), "names": names[:100]}
        async with audited(context, request, ActionKind.GOOD_PARTS_REMOVED, **detail):
            return {"ok": True, "removed": await asyncio.to_thread(of.remove, names)}

    @router.post("/good/restore")
    async def restore(wanted: PictureNames, request: Request) -> dict[str, Any]:
        """Bring removed parts back."""
        of = draft(wanted.product, wanted.view)
        there = set(await asyncio.to_thread(of.removed))
        names = [name for name in wanted.names if name in there]
        if not names:
            return _added([], [])
        detail = {**_about(of), "from": "brought back", "count": len(names)}
        async with audited(context, request, ActionKind.GOOD_PARTS_ADDED, **detail):
            return _added(await asyncio.to_thread(of.restore, names), [])

    @router.post("/reference")
    async def reference(wanted: PictureNames, request: Request) -> dict[str, Any]:
        """Draw on this good part from now on; it is the one that others are aligned to."""
        of = draft(wanted.product, wanted.view)
        path = await asyncio.to_thread(of.path, wanted.names[0])
        await choose(request, of, path.name)
        return {"ok": True, "reference": path.name}

    async def choose(request: Request, of: SetupDraft, name: str) -> None:
        async with audited(context, request, ActionKind.REFERENCE_CHOSEN, **_about(of), name=name):
            await asyncio.to_thread(of.write_note, reference=name)


def _pictures(router: APIRouter, context: Context) -> None:
    @router.get("/good/{name}")
    async def picture(name: str, product: str, view: str) -> Response:
        """A good part as a browser can show it."""
        of = draft_of(context, product, view)
        return await asyncio.to_thread(lambda: shown(of.path(name), bits=of.setup().bits))

    @router.get("/thumb/{name}")
    async def thumb(name: str, product: str, view: str) -> Response:
        """A good part, small."""
        path = await asyncio.to_thread(draft_of(context, product, view).thumb, name)
        return FileResponse(path, headers={"Cache-Control": FOREVER})


def datasets(context: Context) -> list[str]:
    """Name the datasets review exported."""
    folder = context.folder / DATASETS
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.is_symlink())


def _of_record(
    context: Context, draft: SetupDraft, wanted: FromRecord
) -> tuple[dict[str, Path], str | None]:
    """The good parts of the record that the draft has not, by name, and the name of the latest."""
    part_selection.one_view(len(context.settings.views))
    parts = part_selection.latest(
        context.store,
        station=context.settings.station,
        product=draft.product,
        count=wanted.count,
        good=True,
        part_filter=wanted.parts(context.settings.station),
    )
    there = {Path(name).stem for name in draft.names()}
    named = {f"part-{record.part_id}{path.suffix}": path for record, path in parts}
    fresh = {name: path for name, path in named.items() if Path(name).stem not in there}
    return fresh, next(iter(named), None)


def _of_dataset(context: Context, draft: SetupDraft, name: str) -> dict[str, Path]:
    """The good parts of a dataset that the draft has not, by name."""
    if name not in datasets(context):
        raise Refuse(f"dataset {name!r}: there is none of this name", status=404)
    there = set(draft.names())
    files = good_files(context.folder / DATASETS / name)
    return {path.name: path for path in files if path.name not in there}


async def _add(
    context: Context,
    request: Request,
    draft: SetupDraft,
    source: str,
    files: dict[str, Path],
    *,
    reference: bool = False,
) -> dict[str, Any]:
    """Copy files into a draft once that is noted; give names here, and why others are refused."""
    if not files:
        return _added([], [])
    detail = {**_about(draft), "from": source, "count": len(files)}
    async with audited(context, request, ActionKind.GOOD_PARTS_ADDED, **detail):
        added, refused = await asyncio.to_thread(_copied, draft, files)
        if reference and added:
            await asyncio.to_thread(draft.write_note, reference=added[0])
    if refused:
        why = f"{len(refused)} of {len(files)} refused: {refused[0]}"
        await record_failure(context, request, ActionKind.GOOD_PARTS_ADDED, why, **detail)
    return _added(added, refused)


def _copied(draft: SetupDraft, files: dict[str, Path]) -> tuple[list[str], list[str]]:
    added, refused = [], []
    for name, path in files.items():
        try:
            if path.stat().st_size > MOST_BYTES:
                raise SetupError(
                    f"picture {Path(name).name[:80]!r}: more than {MOST_BYTES >> 20} MB"
                )
            added.append(draft.add(path.read_bytes(), Path(name).name))
        except (
            InspectionError,
            CameraError,
            OSError,
        ) as error:  # one bad file does not keep the others out
            refused.append(" ".join(str(error).split()))
    return added, refused


def _added(added: list[str], refused: list[str]) -> dict[str, Any]:
    return {"ok": True, "added": added, "refused": refused}


def _about(draft: SetupDraft) -> dict[str, str]:
    return {"product": draft.product, "view": draft.view}
