"""What a trigger's message says of its part: an object of a few texts, or nothing at all."""

from __future__ import annotations

from typing import Any

from inspection.outside import Refused, check_text, read_json
from inspection.plant.messages import TriggerRequest

FIELDS = ("trigger_id", "serial", "lot", "product")
LARGEST_BYTES = 16 * 1024


def part_fields(data: bytes, *, most_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """Read a trigger's JSON; null is as good as absent. Raises Refused for anything else."""
    fields = read_json(data, most_bytes=most_bytes) if data.strip() else {}
    if not isinstance(fields, dict) or set(fields) - set(FIELDS):
        raise Refused(f"a trigger must be a JSON object of texts: {', '.join(FIELDS)}")
    given = {name: value for name, value in fields.items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            raise Refused(f"a trigger must be a JSON object of texts: {', '.join(FIELDS)}")
        check_text(name, value)
    return given


def check_request(request: TriggerRequest) -> None:
    """Raise Refused where a trigger holds a text longer than any of its kind."""
    for name in FIELDS:
        check_text(name, getattr(request, name))
