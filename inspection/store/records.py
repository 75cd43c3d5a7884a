"""What goes into the record, and what comes out."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from inspection.judgement import Judgement, Region, Verdict
from inspection.reasons import Reason
from inspection.store.chain import canonical, revived
from inspection.store.errors import StoreDamaged
from inspection.store.event_kinds import EventKind
from inspection.store.legacy_sentences import cannot_inspect_reason, judged_reason

if TYPE_CHECKING:
    from cameras.base import Frame

# Rises when the columns under the hash change, so that old rows can still be checked.
ROW_FORMAT = 1
MOST_OUTLINES, MOST_CORNERS = 50, 100
"""How many regions of a part are recorded with their outline, and about how many corners each has."""


@dataclass(frozen=True, slots=True)
class StagedPicture:
    """A picture on the disk that no row names yet: its path in the archive, with slashes, and sha256.

    `aside` is the name it has until its row is there.
    """

    image: str
    sha256: str
    aside: Path

    @property
    def named(self) -> tuple[str, str]:
        """Return its file and its sha256, as a row names them."""
        return self.image, self.sha256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewPart:
    """One judged part on its way into the record.

    `image_bytes` are the bytes of the picture's file as it came; they are kept as they are, with
    `image_suffix`, instead of encoding the frame again. `staged` was written before, by
    `Store.stage`; if it went away, the frame is written. Only CANNOT_INSPECT may have no picture.
    `template_sha256` is of the file it was compared with, None where that is the recipe's or none.
    """

    judgement: Judgement
    part_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    serial: str | None = None
    lot: str | None = None
    station: str | None = None
    trigger_id: str | None = None
    product: str | None = None
    source: str | None = None
    process: Mapping[str, float | str] = field(default_factory=dict)
    template_sha256: str | None = None
    frame: Frame | None = None
    image_bytes: bytes | None = None
    image_suffix: str = ".png"
    staged: StagedPicture | None = None
    judged_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not _is_uuid(self.part_id):
            raise ValueError(
                f"NewPart.part_id: expected a UUID in lower case with hyphens, got {self.part_id!r}"
            )
        if not re.fullmatch(r"\.[a-z0-9]{1,8}", self.image_suffix):
            raise ValueError(
                f"NewPart.image_suffix: expected a suffix such as '.png', got {self.image_suffix!r}"
            )
        if self.judged_at.utcoffset() is None:
            raise ValueError(
                "NewPart.judged_at: expected a time with a zone (UTC), got a naive one"
            )
        verdict = self.judgement.verdict
        if verdict is not Verdict.CANNOT_INSPECT and not self.has_picture:
            raise ValueError(
                f"NewPart.frame: expected a frame or image_bytes with the verdict {verdict}, got none"
            )

    @property
    def has_picture(self) -> bool:
        """Tell whether there is anything to put in the archive."""
        return self.frame is not None or self.image_bytes is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """One part as recorded.

    `image` is the picture's path inside the archive, None where there was none. `capture` holds the
    camera's own facts and the settings it had applied, none where no frame existed, and
    `template_sha256`, where the picture was compared with a template that is not in the recipe.
    `reason` is the English sentence as it was written, `cause` the same as a code with its values.
    """

    number: int
    part_id: str
    serial: str | None
    lot: str | None
    station: str | None
    trigger_id: str | None
    product: str | None
    source: str | None
    verdict: Verdict
    score: float | None
    p_value: float | None
    threshold: float | None
    reason: str
    recipe_id: str
    regions: tuple[Region, ...]
    health: Mapping[str, float]
    latency_ms: Mapping[str, float]
    capture: Mapping[str, Any]
    captured_at: datetime | None
    judged_at: datetime
    image: str | None
    image_sha256: str | None
    previous_hash: str
    hash: str
    cause: Reason
    process: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEvent:
    """Something that happened to a part after its verdict: who did what, and when."""

    number: int
    part_id: str
    kind: str
    who: str
    at: datetime
    detail: Mapping[str, Any]
    previous_hash: str
    hash: str

    @property
    def line_reject(self) -> Reason | None:
        """Why the line was told to reject a part that is recorded as PASS; None for other events."""
        if self.kind != EventKind.ANSWER or "reject" not in self.detail:
            return None
        code, values = self.detail.get("reason_code"), self.detail.get("reason_values")
        sentence = str(self.detail["reject"])
        return _coded(code, values, sentence) or cannot_inspect_reason(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a person did that is about no one part, such as signing in: who, what and when."""

    number: int
    kind: str
    who: str
    at: datetime
    detail: Mapping[str, Any]
    previous_hash: str
    hash: str


_NOT_READ = frozenset({"format", "reason_code", "reason_values"})
_Happened = TypeVar("_Happened", PartEvent, Action)


def part_row(new: NewPart, image: str | None, image_sha256: str | None) -> dict[str, Any]:
    """Make the columns of one part, without its number and hashes."""
    judgement, frame = new.judgement, new.frame
    return {
        "format": ROW_FORMAT,
        "part_id": new.part_id,
        "serial": clean(new.serial),
        "lot": clean(new.lot),
        "station": clean(new.station),
        "trigger_id": clean(new.trigger_id),
        "product": clean(new.product),
        "source": clean(new.source),
        "verdict": judgement.verdict.value,
        "score": _number(judgement.score),
        "p_value": _number(judgement.p_value),
        "threshold": _number(judgement.threshold),
        "reason": clean(judgement.reason),
        "reason_code": judgement.cause.code,
        "reason_values": canonical(_cleaned(judgement.cause)),
        "process": process_text(new.process),
        "recipe_id": clean(judgement.recipe_id),
        "regions": canonical(_region_rows(judgement.regions)),
        "health": canonical(judgement.health),
        "latency_ms": canonical(judgement.latency_ms),
        "capture": canonical(_capture(frame) | _compared(new.template_sha256)),
        "captured_at": None if frame is None else time_text(frame.captured_at),
        "judged_at": time_text(new.judged_at),
        "image": image,
        "image_sha256": image_sha256,
    }


def reject_detail(reason: Reason) -> dict[str, Any]:
    """The detail of an event that the line was told to reject; `PartEvent.line_reject` reads it."""
    return {
        "reject": reason.sentence,
        "reason_code": reason.code,
        "reason_values": _cleaned(reason),
    }


def event_row(
    part_id: str, kind: str, who: str, at: datetime, detail: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the columns of one event, without its number and hashes."""
    return {**action_row(kind, who, at, detail), "part_id": part_id}


def action_row(kind: str, who: str, at: datetime, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Make the columns of one action, without its number and hashes."""
    return {
        "format": ROW_FORMAT,
        "kind": clean(kind),
        "who": clean(who),
        "at": time_text(at),
        "detail": canonical(detail),
    }


def part_record(row: Mapping[str, Any]) -> PartRecord:
    """Read one row of parts. Raises StoreDamaged where it is not as we write it."""
    values = {name: value for name, value in row.items() if name not in _NOT_READ}
    try:
        values["verdict"] = Verdict(row["verdict"])
        values["cause"] = recorded_cause(row)
        values["regions"] = tuple(_region(each) for each in json.loads(row["regions"]))
        values["capture"] = json.loads(row["capture"])
        values["process"] = process_read(row.get("process"))
        for name in ("health", "latency_ms"):
            values[name] = {key: revived(value) for key, value in json.loads(row[name]).items()}
        for name in ("captured_at", "judged_at"):
            values[name] = None if row[name] is None else datetime.fromisoformat(row[name])
        return PartRecord(**values)
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise _damaged("part", row, exc) from exc


def recorded_cause(row: Mapping[str, Any]) -> Reason:
    """Why a part got its verdict, from its columns verdict, reason and those the sentence came from.

    A row written before there were codes has its English sentence only.
    """
    values = json.loads(row.get("reason_values") or "null")
    if (cause := _coded(row.get("reason_code"), values, row["reason"])) is not None:
        return cause
    verdict = Verdict(row["verdict"])
    if verdict is Verdict.CANNOT_INSPECT:
        return cannot_inspect_reason(row["reason"])
    regions = [_region(each) for each in json.loads(row["regions"])]
    return judged_reason(verdict, row["score"], row["threshold"], regions, row["reason"])


def part_event(row: Mapping[str, Any]) -> PartEvent:
    """Read one row of events. Raises StoreDamaged where it is not as we write it."""
    return _happened(PartEvent, "event", row)


def action(row: Mapping[str, Any]) -> Action:
    """Read one row of actions. Raises StoreDamaged where it is not as we write it."""
    return _happened(Action, "action", row)


def _happened(kind: type[_Happened], what: str, row: Mapping[str, Any]) -> _Happened:
    values = {name: value for name, value in row.items() if name != "format"}
    try:
        values["at"] = datetime.fromisoformat(row["at"])
        values["detail"] = json.loads(row["detail"])
        return kind(**values)
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise _damaged(what, row, exc) from exc


def process_text(process: Mapping[str, float | str]) -> str | None:
    """Write what the line said of a part, None where it said nothing."""
    if not process:
        return None
    return canonical({name: clean(v) if isinstance(v, str) else v for name, v in process.items()})


def process_read(text: str | None) -> dict[str, float | str]:
    """Read it back. Raises ValueError, AttributeError."""
    return {
        name: value if isinstance(value, str) else float(value)
        for name, value in json.loads(text or "{}").items()
    }


def time_text(moment: datetime) -> str:
    """Write a time as UTC text of one width, such as 2026-03-05T12:34:56.000001Z.

    Text and not a number: it sorts by time, is the same in every database and under the hash, and
    whoever opens the database with another tool can read it.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"expected a time with a zone (UTC), got the naive {moment.isoformat()}")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def clean(text: str | None) -> str | None:
    """Write what a database refuses in a text, NUL and half surrogates, as visible escapes.

    Bar codes and file names may hold such; the record must not be lost over that.
    """
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _cleaned(reason: Reason) -> dict[str, Any]:
    return {
        name: clean(value) if isinstance(value, str) else value
        for name, value in reason.as_values().items()
    }


def _coded(code: Any, values: Any, sentence: str) -> Reason | None:
    """A recorded reason; None where there is no code, or one that this program does not know."""
    if not isinstance(code, str) or not isinstance(values, dict):
        return None
    read = {name: revived(value) for name, value in values.items() if name != "view"}
    try:
        return Reason(code, read, view=values.get("view"), recorded=sentence)
    except ValueError:
        return None


def _capture(frame: Frame | None) -> dict[str, Any]:
    if frame is None:
        return {}
    names = (
        "camera", "session", "sequence", "frame_id", "missed_before", "status", "trigger_id",
        "device_timestamp_ns", "exposure_time_us", "gain_db",
    )  # fmt: skip
    return {name: getattr(frame, name) for name in names}


def _compared(template_sha256: str | None) -> dict[str, Any]:
    return {} if template_sha256 is None else {"template_sha256": template_sha256}


def _number(value: float | None) -> float | None:
    # SQLite keeps NaN as NULL and -0.0 as 0.0; write what will be read, or the hash would not match.
    # Only a part that could not be judged can have NaN, and there it means no score.
    if value is None or math.isnan(value):
        return None
    return float(value) + 0.0


def _region_rows(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Regions as they are recorded: the worst with their outline, to a tenth of a pixel."""
    rows = [region.as_json() for region in regions]
    for row, region in zip(rows, regions[:MOST_OUTLINES], strict=False):
        if points := region.outline[:: 1 + len(region.outline) // MOST_CORNERS]:
            row["outline"] = [[round(x, 1), round(y, 1)] for x, y in points]
    return rows


def _region(values: Mapping[str, Any]) -> Region:
    numbers = ("area_px", "area_mm2", "peak_score")
    outline = tuple((x, y) for x, y in values.get("outline", ()))
    return Region(
        **{**values, **{name: revived(values[name]) for name in numbers}, "outline": outline}
    )


def _damaged(what: str, row: Mapping[str, Any], exc: Exception) -> StoreDamaged:
    why = str(exc).splitlines()[0]
    return StoreDamaged(f"{what} {row.get('number')}: its row cannot be read ({why}); run verify")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
