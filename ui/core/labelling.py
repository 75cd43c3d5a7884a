"""What a person says of a part: one rule, and one way into the record, for every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from inspection.labels.defect_types import Defects
from inspection.labels.labels import NG, OK
from inspection.store.event_kinds import EventKind
from ui.core.audit import record_event
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import StationGone


def label_detail(
    defects: Defects, label: str | None, defect: str | None = None, *, painted: bool = False
) -> dict[str, Any]:
    """What is recorded of a label without a mask; None takes back what one said. Raises Refuse."""
    if label not in (OK, NG, None):
        raise Refuse(f"label {label[:40]!r}: is neither {OK} nor {NG}")
    if label != NG and (defect or painted):
        raise Refuse(f"label {label}: has neither a type of defect nor a mask")
    if defect is not None and defect not in defects.list():
        raise Refuse(f"defect type {defect[:200]!r}: is not in the list of this station")
    return {"label": label, "defect": defect, "mask": None, "sha256": None, "decides": False}


async def record_label(
    context: Context, request: Request, part_id: str, detail: Mapping[str, Any]
) -> None:
    """Nothing counts before the station has written it. Raises Refused, Refuse (503) where it is gone."""
    who, language = request.scope["user"].name, request.scope["language"]
    try:
        await record_event(context, EventKind.LABEL, part_id=part_id, who=who, detail=detail)
    except StationGone:
        raise Refuse(context.words.say("review.no_station", language), status=503) from None
