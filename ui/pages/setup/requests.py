"""What the set-up page may be asked, and what its answers share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from cameras import CameraError, read_image
from inspection.judging.encode import encoded_jpeg
from ui.core.context import Context
from ui.core.deploy import target_of
from ui.core.errors import Refuse
from ui.core.part_filter import PartFilterRequest
from ui.pages.setup.camera_settings import view_of
from ui.pages.setup.draft import SetupDraft

FOREVER = "private, max-age=86400, immutable"
MOST_AT_ONCE = 500

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LocalTime = Annotated[datetime | None, AfterValidator(lambda at: at and at.astimezone())]
"""A time; without a zone, that of this machine."""


class SetupChange(BaseModel):
    """A set-up as plain data (`inspection.recipe.setup_file`), of a product and view."""

    product: Name
    view: Name
    setup: dict[str, Any]


class Taking(BaseModel):
    """Pictures to be taken, with a pause after each; `reference` makes the first the one that is drawn on."""

    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    every_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    reference: bool = False


class FromRecord(PartFilterRequest):
    """Good parts of the record for a product and view: how many, and which."""

    product: Name
    view: Name
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 50
    since: LocalTime = None
    until: LocalTime = None
    reference: bool = False


def draft_of(context: Context, product: str, view: str) -> SetupDraft:
    """The draft of a product and view of the station file. Raises InspectionError."""
    view_of(context.settings, view)
    target_of(context, product, view)
    return SetupDraft(context.folder, product, view)


def shown(path: Path, *, bits: int = 16) -> Response:
    """A picture as any browser can show it."""
    try:
        data = encoded_jpeg(read_image(path, bits=bits))
    except CameraError as error:
        raise Refuse(str(error), status=404) from error
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})
