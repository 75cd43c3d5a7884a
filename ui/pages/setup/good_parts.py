"""The good parts of the set-up page: taken, uploaded, from the record or a dataset, and removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request

from cameras import CameraError
from inspection.errors import InspectionError, SetupError
from inspection.labels import part_selection
from inspection.store.event_kinds import ActionKind
from inspection.training.dataset_folder import good_files
from ui.core.audit import audited, record_failure
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.pages.setup.draft import MOST_BYTES, SetupDraft
from ui.pages.setup.requests import FromRecord, Taking

DATASETS = "datasets"
OF_RECORD = "part-"
"""What the name of a part of the record begins with here; then its id."""


@dataclass(frozen=True, slots=True)
class Added:
    """Good parts that were added, by their name here, and why others were refused."""

    names: Sequence[str] = ()
    refused: Sequence[str] = ()


async def take(
    context: Context, request: Request, draft: SetupDraft, wanted: Taking
) -> AsyncIterator[str]:
    """Take pictures, each told by its name; a series is noted once. The station must be paused."""
    who = request.scope["user"].name
    async with audited(
        context, request, ActionKind.PICTURES_TAKEN, **_about(draft), count=wanted.count
    ):
        for number in range(wanted.count):
            name = await asyncio.to_thread(_fresh_name, draft)
            await context.runtime.do("take", who=who, view=draft.view, path=str(draft.good / name))
            await asyncio.to_thread(draft.make_thumb, name)
            if wanted.reference and number == 0:
                await asyncio.to_thread(draft.write_note, reference=name)
            yield name
            if number + 1 < wanted.count:
                await asyncio.sleep(wanted.every_s)


async def upload(
    context: Context, request: Request, draft: SetupDraft, files: Sequence[Path]
) -> Added:
    """Take files that came in; what is no picture is refused by name. None of them stays where it came."""
    try:
        return await _add(
            context, request, draft, "uploaded", [(each.name, each) for each in files]
        )
    finally:
        await asyncio.to_thread(_gone, files)


async def from_record(
    context: Context, request: Request, draft: SetupDraft, wanted: FromRecord
) -> Added:
    """Add the latest good parts of the record; as the reference even one that is there already."""
    fresh, latest = await asyncio.to_thread(_of_record, context, draft, wanted)
    found = await _add(
        context, request, draft, "record", [*fresh.items()], reference=wanted.reference
    )
    if wanted.reference and not found.names and latest is not None:
        await choose_reference(context, request, draft, latest)
        return Added([latest])
    return found


async def from_dataset(context: Context, request: Request, draft: SetupDraft, name: str) -> Added:
    """Add the good parts of a dataset that review exported."""
    fresh = await asyncio.to_thread(_of_dataset, context, draft, name)
    return await _add(context, request, draft, f"dataset {name}", [*fresh.items()])


async def remove(
    context: Context, request: Request, draft: SetupDraft, names: Sequence[str]
) -> list[str]:
    """Take good parts out; they can be brought back."""
    there = set(await asyncio.to_thread(draft.names))
    names = [name for name in names if name in there]
    if not names:
        return []
    detail = {**_about(draft), "count": len(names), "names": names[:100]}
    async with audited(context, request, ActionKind.GOOD_PARTS_REMOVED, **detail):
        return await asyncio.to_thread(draft.remove, names)


async def restore(
    context: Context, request: Request, draft: SetupDraft, names: Sequence[str]
) -> list[str]:
    """Bring removed parts back."""
    there = set(await asyncio.to_thread(draft.removed))
    names = [name for name in names if name in there]
    if not names:
        return []
    detail = {**_about(draft), "from": "brought back", "count": len(names)}
    async with audited(context, request, ActionKind.GOOD_PARTS_ADDED, **detail):
        return await asyncio.to_thread(draft.restore, names)


async def choose_reference(
    context: Context, request: Request, draft: SetupDraft, name: str
) -> None:
    """Draw on this good part from now on; it is the one that others are aligned to."""
    path = await asyncio.to_thread(draft.path, name)
    about = {**_about(draft), "name": path.name}
    async with audited(context, request, ActionKind.REFERENCE_CHOSEN, **about):
        await asyncio.to_thread(draft.write_note, reference=path.name)


def datasets(context: Context) -> list[str]:
    """Name the datasets review exported."""
    folder = context.folder / DATASETS
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.is_symlink())


def _fresh_name(draft: SetupDraft) -> str:
    draft.room()
    return draft.next_name(f"taken-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}")


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
    named = {f"{OF_RECORD}{record.part_id}{path.suffix}": path for record, path in parts}
    fresh = {name: path for name, path in named.items() if Path(name).stem not in there}
    return fresh, next(iter(named), None)


def _of_dataset(context: Context, draft: SetupDraft, name: str) -> dict[str, Path]:
    """The good parts of a dataset that the draft has not, by name."""
    if name not in datasets(context):
        raise Refuse(f"dataset {name[:80]!r}: there is none of this name", status=404)
    there = set(draft.names())
    files = good_files(context.folder / DATASETS / name)
    return {path.name: path for path in files if path.name not in there}


async def _add(
    context: Context,
    request: Request,
    draft: SetupDraft,
    source: str,
    files: Sequence[tuple[str, Path]],
    *,
    reference: bool = False,
) -> Added:
    """Copy files into a draft once that is noted; give names here, and why others are refused."""
    if not files:
        return Added()
    detail = {**_about(draft), "from": source, "count": len(files)}
    async with audited(context, request, ActionKind.GOOD_PARTS_ADDED, **detail):
        found = await asyncio.to_thread(_copied, draft, files)
        if reference and found.names:
            await asyncio.to_thread(draft.write_note, reference=found.names[0])
    if found.refused:
        why = f"{len(found.refused)} of {len(files)} refused: {found.refused[0]}"
        await record_failure(context, request, ActionKind.GOOD_PARTS_ADDED, why, **detail)
    return found


def _copied(draft: SetupDraft, files: Sequence[tuple[str, Path]]) -> Added:
    added, refused = [], []
    for name, path in files:
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
    return Added(added, refused)


def _gone(files: Sequence[Path]) -> None:
    """Remove files that came in, each from a folder of its own."""
    for path in files:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.parent.rmdir()


def _about(draft: SetupDraft) -> dict[str, Any]:
    return {"product": draft.product, "view": draft.view}
