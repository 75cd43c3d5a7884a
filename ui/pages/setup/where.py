"""Where to look, kept: the shapes a script draws, and scale and alignment chosen beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import Request

from inspection.recipe.setup_file import Setup
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.draft import SetupDraft


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
