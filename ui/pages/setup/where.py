"""Where to look, kept: the shapes a script draws, and scale and alignment chosen beside them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import Request

from inspection.recipe.setup_file import Setup
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.draft import SetupDraft

KINDS = {"roi": "roi", "ignore": "ignore", "zones": "zone"}
"""Of shapes, by the key they are kept under."""


async def keep(
    context: Context, request: Request, draft: SetupDraft, given: Mapping[str, Any]
) -> tuple[Setup, bool]:
    """Keep what is given, if it can be, and the rest as it is; say whether that changed anything.

    Raises SetupError naming the thing that is wrong.
    """

    def checked() -> tuple[Setup, bool]:
        return draft.checked({**asdict(draft.readable_setup()), **given})

    setup, is_new = await asyncio.to_thread(checked)
    if is_new:
        about = {
            "product": draft.product,
            "view": draft.view,
            "inspected": len(setup.roi),
            "ignored": len(setup.ignore),
            "zones": [zone.name for zone in setup.zones],
        }
        async with audited(context, request, ActionKind.WHERE_TO_LOOK_SAVED, **about):
            await asyncio.to_thread(draft.keep_setup, setup)
    return setup, is_new


def shapes_of(setup: Setup | None) -> list[dict[str, Any]]:
    """What a set-up has drawn, as the script draws it: kind, points, and what a zone allows."""
    if setup is None:
        return []
    zones = ({"kind": "zone", **asdict(zone), "points": zone.polygon} for zone in setup.zones)
    plain = [
        {"kind": kind, "points": points}
        for kind in ("roi", "ignore")
        for points in getattr(setup, kind)
    ]
    return [*plain, *zones]


def at_fault(error: str, setup: Mapping[str, Any]) -> tuple[str, int] | tuple[None, None]:
    """The shape that an error is about, by its kind and its place among those; None where it is about none."""
    if (named := re.search(r"\b(roi|ignore|zones)\.(\d+)", error)) is not None:
        return KINDS[named[1]], int(named[2])
    if (zone := _wrong_zone(error, setup.get("zones", []))) is not None:
        return "zone", zone
    return None, None


def _wrong_zone(error: str, zones: Sequence[Mapping[str, Any]]) -> int | None:
    def first(holds: Callable[[Mapping[str, Any]], bool]) -> int | None:
        return next((place for place, zone in enumerate(zones) if holds(zone)), None)

    if "max_area_mm2 needs" in error:
        return first(lambda zone: zone.get("max_area_mm2") is not None)
    if "max_count needs" in error:
        areas = ("max_area_px", "max_area_mm2", "max_peak_percent")
        return first(
            lambda zone: (
                zone.get("max_count") is not None and all(zone.get(name) is None for name in areas)
            )
        )
    names = [zone.get("name") for zone in zones]
    twice = (place for place, name in enumerate(names) if name in names[:place])
    return next(twice, None) if "zone" in error else None
