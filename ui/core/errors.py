"""Saying no to a page: one line, and the status of HTTP that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from inspection.errors import InspectionError
from inspection.store import StoreError
from ui.live.station_client import Refused, StationGone

Model = TypeVar("Model", bound=BaseModel)


class Refuse(Exception):
    """A page asked for what cannot be done; the text is one line for a person."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def install(app: FastAPI) -> None:
    """Answer every refusal as `{ok: false, error}`."""
    for kind in (Refuse, Refused, InspectionError, StoreError):
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(RequestValidationError, _not_as_asked)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status", 503 if isinstance(error, StationGone) else 409)
    return JSONResponse({"ok": False, "error": " ".join(str(error).split())}, status)


async def _not_as_asked(request: Request, error: Exception) -> JSONResponse:
    """Say which field of a question is wrong; what was given is not said again."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"ok": False, "error": _first(error.errors())}, 422)


def checked(kind: type[Model], /, **given: Any) -> Model:
    """What a form gives, as a route would take it. Raises Refuse naming the field that is wrong."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise Refuse(_first(error.errors(include_input=False)), status=422) from None


def _first(errors: Sequence[Mapping[str, Any]]) -> str:
    where = ".".join(str(part) for part in errors[0]["loc"])
    return f"{where}: {errors[0]['msg'].removeprefix('Value error, ')}"
