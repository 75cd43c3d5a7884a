"""Which parts a page asks for: every page takes every field of the record's filter."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspection.judgement import Verdict
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store.filters import PartFilter, Prefix
from ui.core.part_filter import PartFilterRequest
from ui.pages.analysis.requests import (
    Judged,
    PartsRequest,
)
from ui.pages.review.requests import Filter
from ui.pages.setup.requests import FromRecord

NAMED: dict[type[PartFilterRequest], dict[str, Any]] = {
    PartsRequest: {}, Judged: {}, Filter: {},
    FromRecord: {"view": "top"},
}  # fmt: skip
ASKED = {
    "lot": " L1*", "serial": "S*", "product": "nut", "recipe": "ab*", "reason": "too dark*",
    "zone": "rim", "part_id": "p", "number": 3, "verdict": "FAIL",
    "since": "2026-03-05T06:00:00+00:00", "until": "2026-03-05T09:00:00+02:00",
}  # fmt: skip


def test_a_request_has_every_field_but_the_station() -> None:
    names = {each.name for each in fields(PartFilter)} - {"station", "recipe_id"} | {"recipe"}
    assert set(PartFilterRequest.model_fields) == names == set(ASKED)


@pytest.mark.parametrize("request_type", NAMED)
def test_every_page_reads_it_alike(request_type: type[PartFilterRequest]) -> None:
    asked = request_type.model_validate(ASKED | NAMED[request_type]).parts("st*")
    assert asked == PartFilter(
        station="st*", lot=Prefix("L1"), serial=Prefix("S"), product="nut",
        recipe_id=Prefix("ab"), reason=Prefix("too dark"), zone="rim", part_id="p", number=3,
        verdict=Verdict.FAIL, since=datetime(2026, 3, 5, 6, tzinfo=UTC),
        until=datetime(2026, 3, 5, 7, tzinfo=UTC),
    )  # fmt: skip


def test_a_span_of_review_is_as_of_when_it_is_asked(tmp_path: Path) -> None:
    view = ViewSettings(camera="simulated")
    product = ProductSettings(name="nut", recipe=tmp_path / "nut.recipe")
    settings = StationFile(
        station="s", record=str(tmp_path / "s.db"), views=(view,), products=(product,)
    )
    own = {"since": "2026-03-05T06:00:00+00:00", "until": None}
    asked = Filter.model_validate({"span": "own", **own, "lot": None}).of(settings)
    assert asked == PartFilter(station="s", since=datetime(2026, 3, 5, 6, tzinfo=UTC))
    assert Filter.model_validate({"span": "all", **own}).of(settings) == PartFilter(station="s")
    today = Filter.model_validate({"span": "today", **own}).of(settings)
    assert today.since is not None
    assert datetime.now(UTC) - timedelta(days=1, hours=1) < today.since <= datetime.now(UTC)
    assert today.since.astimezone().time() == time()
    with pytest.raises(ValidationError):
        Filter.model_validate({"span": "for ever"})
