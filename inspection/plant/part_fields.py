"""What a trigger's message says of its part: an object of a few texts and process values, or nothing at all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from inspection.outside import Refused, check_text, read_json
from inspection.plant.messages import TriggerRequest

FIELDS = ("trigger_id", "serial", "lot", "product")
PROCESS = "process"
"""Field with what the line measured or knows of the part: an object of numbers and texts."""

MOST_PROCESS_VALUES = 32
PROCESS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
LARGEST_BYTES = 16 * 1024
_FORM = (
    f"a trigger must be a JSON object of texts: {', '.join(FIELDS)}, and of {PROCESS}, an object"
)


def part_fields(data: bytes, *, most_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """Read a trigger's JSON; null is as good as absent. Raises Refused for anything else."""
    fields = read_json(data, most_bytes=most_bytes) if data.strip() else {}
    if not isinstance(fields, dict) or set(fields) - {*FIELDS, PROCESS}:
        raise Refused(_FORM)
    given = {name: value for name, value in fields.items() if value is not None}
    process = given.pop(PROCESS, None)
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            raise Refused(_FORM)
        check_text(name, value)
    return given if process is None else given | {PROCESS: process_values(process)}


def process_values(values: Any) -> dict[str, float | str]:
    """Check what the line says of a part beside its identity: numbers and texts by name. Raises Refused."""
    if not isinstance(values, dict) or len(values) > MOST_PROCESS_VALUES:
        raise Refused(
            f"{PROCESS} must be a JSON object of at most {MOST_PROCESS_VALUES} numbers and texts"
        )
    return {name: _process_value(name, each) for name, each in values.items() if each is not None}


def process_of_texts(texts: Mapping[str, str], *, prefix: str) -> dict[str, float | str]:
    """Of texts by name those whose name begins so, without it; numbers where they are such."""
    named = {n.removeprefix(prefix): text for n, text in texts.items() if n.startswith(prefix)}
    return {name: _number_or_text(text) for name, text in named.items()}


def _number_or_text(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _process_value(name: str, value: Any) -> float | str:
    if not PROCESS_NAME.fullmatch(name):
        raise Refused(
            f"{PROCESS}: the name {name[:60]!r} is not allowed; a letter, then up to 39 letters, digits and _"
        )
    if isinstance(value, str):
        check_text(f"{PROCESS}.{name}", value)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{PROCESS}.{name} must be a number or a text, got {str(value)[:40]!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused(f"{PROCESS}.{name} must be a finite number")
    return number


def check_request(request: TriggerRequest) -> None:
    """Raise Refused where a trigger holds a text longer than any of its kind, or no process values."""
    for name in FIELDS:
        check_text(name, getattr(request, name))
    process_values(request.process)
