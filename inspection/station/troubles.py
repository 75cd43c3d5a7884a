"""What is wrong with a station now: the one list, for the operator's page and for notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inspection.station.alarms import CAMERA, OUTPUT, RECORD

LEAST_FREE_GB = 5.0
MOST_LATE, MOST_NOT_JUDGED, FEWEST = 0.05, 0.2, 20
"""Shares of the latest parts that may come too late, and that may be CANNOT_INSPECT; from so many parts on."""
LATE = frozenset({"late", "late_picture", "record_waits", "late_record", "busy"})
"""Reasons of a computer that does not keep up."""
AWAY = ("LOST", "BACKOFF", "CONNECTING", "FAULT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong; its words are `troubles.NAME` and `troubles.act_NAME`, with the values."""

    name: str
    values: Mapping[str, str | float] = field(default_factory=dict)
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {"name": self.name, "values": dict(self.values), "detail": self.detail}


def troubles(status: Mapping[str, Any]) -> list[Trouble]:
    """What is wrong by the status of a station, the worst first."""
    found = (_cameras, _record, _recipes, _paused, _outputs, _not_judged, _disk, _stream, _beside)
    return [trouble for look in found for trouble in look(status)]


def _cameras(status: Mapping[str, Any]) -> Iterator[Trouble]:
    states: Mapping[str, str] = status["camera_states"]
    away = [view for view, state in states.items() if state in AWAY]
    by_code = status["error_code"] == CAMERA
    if away or by_code:
        fault = any(states[view] == "FAULT" for view in away)
        yield Trouble(
            name="camera_fault" if fault else "camera_lost",
            values={"names": ", ".join(away or states)},
            detail=status["error"] if by_code else "",
        )


def _record(status: Mapping[str, Any]) -> Iterator[Trouble]:
    if status["error_code"] == RECORD:
        yield Trouble(name="record", detail=status["error"])


def _recipes(status: Mapping[str, Any]) -> Iterator[Trouble]:
    """A present product without a recipe, and recipes nobody released: its parts are not judged."""
    if status["product"] in status.get("without_recipe", ()):
        yield Trouble(name="no_recipe", values={"names": status["product"]})
    changed = status["recipes_changed"]
    stops = [each for each in changed if each["withheld"] and each["product"] == status["product"]]
    if changed:
        names = dict.fromkeys(each["product"] for each in stops or changed)
        name = "recipe" if stops else "recipe_changed"
        yield Trouble(name=name, values={"names": ", ".join(names)})


def _paused(status: Mapping[str, Any]) -> Iterator[Trouble]:
    if status["paused"]:
        yield Trouble(name="paused")


def _outputs(status: Mapping[str, Any]) -> Iterator[Trouble]:
    problems: Mapping[str, str] = status["outputs"]
    if problems or status["error_code"] == OUTPUT:
        yield Trouble(
            name="output",
            values={"names": ", ".join(problems) or "–", "n": sum(status["outbox"].values())},
            detail=next(iter(problems.values()), status["error"]),
        )


def not_judged(recent: Mapping[str, Any]) -> Iterator[Trouble]:
    """Many of the latest parts were CANNOT_INSPECT: they came too late, or for the commonest reason.

    `recent` is what `inspection.station.parts_in_flight.counted` gives.
    """
    of, reasons = recent["of"], recent["reasons"]
    if of < FEWEST:
        return
    for name, most, some in (
        ("too_slow", MOST_LATE, [each for each in reasons if each["code"] in LATE]),
        ("not_judged", MOST_NOT_JUDGED, [each for each in reasons if each["code"] not in LATE]),
    ):
        n = sum(each["n"] for each in some)
        if n > most * of:
            yield Trouble(name=name, values={"n": n, "of": of}, detail=some[0]["last"])


def _not_judged(status: Mapping[str, Any]) -> Iterator[Trouble]:
    yield from not_judged(status["not_judged"])


def _disk(status: Mapping[str, Any]) -> Iterator[Trouble]:
    free = status["disk"].get("free_gb")
    least = max(status["disk"].get("floor_gb", 0.0), LEAST_FREE_GB)
    if free is not None and free < least:
        yield Trouble(name="disk", values={"free": free, "least": least})


def _stream(status: Mapping[str, Any]) -> Iterator[Trouble]:
    raised = (status["stream"] or {}).get("raised")
    if raised:
        yield Trouble(name="stream", detail=raised[0])


def _beside(status: Mapping[str, Any]) -> Iterator[Trouble]:
    """What works beside inspecting: reports by the clock, notifications."""
    for name, problem in status["beside"].items():
        if problem:
            yield Trouble(name=name, detail=problem)
