"""What the set-up page may ask, and what all its answers share."""

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
from ui.pages.setup.training import Options

FOREVER = "private, max-age=86400, immutable"
MOST_AT_ONCE = 500

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
LocalTime = Annotated[datetime | None, AfterValidator(lambda at: at and at.astimezone())]
"""A time; without a zone, that of this machine."""


class Which(BaseModel):
    """The product and view a recipe is made for."""

    product: Name
    view: Name


class CameraChange(Which):
    """Settings of the camera, by name; only those given change."""

    settings: dict[str, Any] = {}


class SetupChange(Which):
    """A set-up as plain data (`inspection.recipe.setup_file`)."""

    setup: dict[str, Any]


class PictureNames(Which):
    """Good parts by name."""

    names: Annotated[list[str], Field(max_length=5000)]


class Taking(Which):
    """A picture to be taken, the first of `count`; `reference` makes it the one that is drawn on.

    The others are asked for with the `series` that came back with the first.
    """

    reference: bool = False
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    series: Annotated[str, StringConstraints(max_length=64)] = ""


class FromRecord(PartFilterRequest):
    """Good parts of the record for a product and view: how many, and which."""

    product: Name
    view: Name
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 50
    since: LocalTime = None
    until: LocalTime = None
    reference: bool = False


class FromDataset(Which):
    """A dataset that review exported."""

    name: Line


class Training(Which):
    """A training to start."""

    options: Options


class OfJob(Which):
    """One job; `at_once` ends it without asking."""

    job: Line
    at_once: bool = False


class Release(Which):
    """A recipe to put on the line: that of a training, or one that was there before."""

    job: Line = ""
    recipe_id: Line = ""


class RecipeToConfirm(BaseModel):
    """A recipe on the line that was not put there from the page."""

    recipe_id: Line


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
