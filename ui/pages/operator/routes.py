"""The operator's page: one big verdict, where the defect is, what to do next."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StringConstraints

from inspection.judgement import Verdict
from inspection.judging.encode import encoded_jpeg
from inspection.local_api.messages import record_message
from inspection.station.good_example import GoodExample, GoodExamples
from inspection.store import PartEvent, PartRecord
from inspection.store.event_kinds import ActionKind, EventKind
from ui.core.audit import record_event
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.core.pictures import FOREVER
from ui.security.users_file import Role, TooSoon, UsersError

PAGE = Page(
    name="operator",
    path="/",
    role=Role.OPERATOR,
    label="operator.page",
    order=10,
)

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Why = Literal[
    "defect", "damage", "dirt", "placement", "no_part", "camera_dirty", "light", "trial", "other"
]
"""Why a part was rejected, as a person sees it; the texts are `acknowledged.…`. Each verdict is asked some of them."""

MAY: dict[str, Role] = {
    "acknowledge": Role.OPERATOR,
    "disagree": Role.OPERATOR,
    "trigger": Role.OPERATOR,
    "pause": Role.OPERATOR,
    "resume": Role.OPERATOR,
    "product": Role.ENGINEER,
}
"""Who may do what on this page; the station file may let an operator change the product."""


class Acknowledgement(BaseModel):
    """A person saw a rejected part."""

    part_id: str
    reason: Why
    text: Line = ""
    badge: Line = ""


class Disagreement(BaseModel):
    """A person does not agree with a part's verdict."""

    part_id: str
    text: Line = ""
    badge: Line = ""


class ManualTrigger(BaseModel):
    """A part to be triggered by hand."""

    serial: Line = ""
    lot: Line = ""


class ProductChange(BaseModel):
    """The product parts are to be judged as."""

    product: str


def may(context: Context, role: Role, what: str) -> bool:
    """Whether a role may do something on this page."""
    needed = MAY[what]
    if what == "product" and context.settings.operator_may_change_product:
        needed = Role.OPERATOR
    return role.at_least(needed)


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/operator")
    _ask(router, context)
    _say(router, context)
    _do(router, context)
    _parts(router, context)
    return router


def _ask(router: APIRouter, context: Context) -> None:
    settings = context.settings

    @router.get("/about")
    async def about(request: Request) -> dict[str, Any]:
        """Tell what this person may do here."""
        role = request.scope["user"].role
        return {
            "may": {what: may(context, role, what) for what in MAY},
            "products": [product.name for product in settings.products if not product.archived],
            "trigger": settings.trigger,
            "latch_fail": settings.latch_fail,
            "badge": settings.acknowledge_by_badge,
        }

    @router.get("/recipe/{recipe_id}")
    async def recipe(recipe_id: str) -> dict[str, Any]:
        """Tell since when a recipe is on the line, and who put it there; empty if that is not known."""
        put = await asyncio.to_thread(context.store.actions, kind=ActionKind.RECIPE_ON_LINE)
        for action in put:
            if action.detail.get("recipe_id") == recipe_id:
                return {"since": action.at.isoformat(), "who": action.who}
        return {}


def _parts(router: APIRouter, context: Context) -> None:
    store = context.store
    examples = GoodExamples(context.settings, context.folder, store)

    @router.get("/part/{part_id}")
    async def part(part_id: str) -> dict[str, Any]:
        """A recorded part and what people said of it."""
        record = await _recorded(context, part_id)
        events = await asyncio.to_thread(store.events, part_id)
        return {
            "part": record_message(record),
            "events": [_event_message(event) for event in events],
        }

    @router.get("/good/{part_id}")
    async def good(part_id: str) -> dict[str, Any]:
        """The good part to compare a part with, what it is, and how it lies beside it; empty where there is none."""
        record = await _recorded(context, part_id)
        found = await asyncio.to_thread(examples.of, record)
        return {} if found is None else _good_message(found, record)

    @router.get("/reference/{recipe_id}")
    async def reference(recipe_id: str) -> Response:
        """The picture of a good part that a recipe keeps and aligns parts to."""
        data = await asyncio.to_thread(_reference_jpeg, examples, recipe_id)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


def _good_message(found: GoodExample, record: PartRecord) -> dict[str, Any]:
    part = found.part
    return {
        "kind": found.kind,
        "number": None if part is None else part.number,
        "picture": f"/api/operator/reference/{record.recipe_id}"
        if part is None
        else f"/pictures/{part.part_id}/screen",
        "to_part": None if found.to_part is None else found.to_part.tolist(),
    }


def _reference_jpeg(examples: GoodExamples, recipe_id: str) -> bytes:
    recipe = examples.recipe(recipe_id)
    if recipe is None:
        raise Refuse(f"recipe {recipe_id[:12]}: is no longer on this machine", status=404)
    return encoded_jpeg(next(iter(recipe.references.values())))


def _say(router: APIRouter, context: Context) -> None:
    """What people say of a part."""

    @router.post("/acknowledge")
    async def acknowledge(about: Acknowledgement, request: Request) -> dict[str, Any]:
        """Note that a person saw a rejected part, and why it was rejected as far as they can tell."""
        name = await _identified(context, request, "acknowledge", about.badge)
        record = await _recorded(context, about.part_id)
        if record.verdict is Verdict.PASS:
            raise Refuse(f"part {about.part_id}: only a rejected part is acknowledged")
        events = await asyncio.to_thread(context.store.events, about.part_id)
        earlier = next((event for event in events if event.kind == EventKind.ACKNOWLEDGE), None)
        reason = about.reason
        if earlier is not None:
            reason = earlier.detail.get("reason", reason)
        else:
            detail = {"reason": about.reason, "comment": about.text}
            await record_event(
                context, EventKind.ACKNOWLEDGE, part_id=about.part_id, who=name, detail=detail
            )
        await context.hub.acknowledged(about.part_id, reason)
        return {"ok": True, "earlier": None if earlier is None else earlier.who}

    @router.post("/disagree")
    async def disagree(about: Disagreement, request: Request) -> dict[str, Any]:
        """Send a part to review: a person does not agree with its verdict."""
        name = await _identified(context, request, "disagree", about.badge)
        await _recorded(context, about.part_id)
        detail = {"comment": about.text}
        events = await asyncio.to_thread(context.store.events, about.part_id)
        said = [event for event in events if event.kind in (EventKind.DISAGREE, EventKind.LABEL)]
        # Pressed twice it is said once; after somebody labelled the part it may be said again.
        if not said or (said[-1].kind, said[-1].who, said[-1].detail) != (
            EventKind.DISAGREE,
            name,
            detail,
        ):
            await record_event(
                context, EventKind.DISAGREE, part_id=about.part_id, who=name, detail=detail
            )
        return {"ok": True}


def _do(router: APIRouter, context: Context) -> None:
    runtime = context.runtime

    @router.post("/trigger")
    async def trigger(wanted: ManualTrigger, request: Request) -> dict[str, Any]:
        """Inspect one part now."""
        name = _allowed(context, request, "trigger")
        if context.settings.trigger == "camera":
            text = context.words.say("operator.camera_triggers", request.scope["language"])
            raise Refuse(text, status=409)
        found = await runtime.do(
            "trigger", who=name, serial=wanted.serial or None, lot=wanted.lot or None
        )
        return {"ok": True, **found}

    @router.post("/pause")
    async def pause(request: Request) -> dict[str, Any]:
        """Pause inspecting."""
        return {"ok": True, **await runtime.do("pause", who=_allowed(context, request, "pause"))}

    @router.post("/resume")
    async def resume(request: Request) -> dict[str, Any]:
        """Go on inspecting."""
        return {"ok": True, **await runtime.do("resume", who=_allowed(context, request, "resume"))}

    @router.post("/product")
    async def product(change: ProductChange, request: Request) -> dict[str, Any]:
        """Change over to another product."""
        name = _allowed(context, request, "product")
        return {"ok": True, **await runtime.do("product", who=name, product=change.product)}


def _allowed(context: Context, request: Request, what: str) -> str:
    """The name of who asks. Raises Refuse when they may not."""
    user = request.scope["user"]
    if may(context, user.role, what):
        return str(user.name)
    text = context.words.say("operator.not_allowed", request.scope["language"])
    raise Refuse(text, status=403)


async def _identified(context: Context, request: Request, what: str, badge: str) -> str:
    """The name of who says something of a part: by their badge, where the station asks for it."""
    name = _allowed(context, request, what)
    if not context.settings.acknowledge_by_badge:
        return name
    address = request.client.host if request.client else ""
    language = request.scope["language"]
    try:
        user = await asyncio.to_thread(context.users.badges.who, badge, address=address)
    except UsersError as error:
        text = context.words.say(f"login.{error.reason}", language, **error.values)
        raise Refuse(text, status=429 if isinstance(error, TooSoon) else 503) from error
    if user is None:
        raise Refuse(context.words.say("operator.badge_unknown", language), status=403)
    return user.name


async def _recorded(context: Context, part_id: str) -> PartRecord:
    record = await asyncio.to_thread(context.store.part, part_id)
    if record is None:
        raise Refuse(f"part {part_id!r}: is not in the record", status=404)
    return record


def _event_message(event: PartEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "who": event.who,
        "at": event.at.isoformat(),
        "detail": dict(event.detail),
    }
