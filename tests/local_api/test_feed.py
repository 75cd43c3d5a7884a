"""What the pages are told of each part, and what is kept in memory for them."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cameras.simulated import Simulated
from inspection.judgement import Verdict
from inspection.local_api import feed
from inspection.local_api.feed import Feed
from inspection.local_api.messages import part_message
from inspection.local_api.part_pictures import heat_png
from tests.station.conftest import wait_until


@pytest.mark.parametrize(
    ("grace_s", "reason"),
    [
        (0.1, "the line was told to reject before this was recorded"),
        (60.0, "ms after the deadline: the line was told to reject"),
    ],
)
def test_a_pass_told_as_a_reject_is_shown_as_the_reject(
    grace_s: float, reason: str, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspection.station import pipeline

    monkeypatch.setattr(pipeline, "GRACE_S", grace_s)
    with build(deadline_ms=2000.0) as built:
        add = built.store.add

        def slow(*words: Any, **fields: Any) -> Any:
            time.sleep(2.3)  # the commit crosses the deadline
            return add(*words, **fields)

        built.store.add = slow
        built.trigger()
        wait_until(lambda: len(built.parts) == 1)
        (part,), (answer,) = built.parts, built.answers.results
        assert (part.record.verdict, answer.verdict) == (Verdict.PASS, Verdict.CANNOT_INSPECT)
        message = part_message(part)
        assert message["verdict"] == "CANNOT_INSPECT"
        assert message["reason"].endswith(reason)
        assert built.station.snapshot()["verdicts"] == {"CANNOT_INSPECT": 1}


def test_parts_without_a_picture_are_told_and_not_kept(build: Any) -> None:
    live = Feed()
    with build() as built, live.subscribed() as messages:
        built.station.pipeline.listeners = (live, *built.station.pipeline.listeners)
        built.station.pause(paused=True)
        built.trigger()
        wait_until(lambda: len(built.parts) == 1)
        assert messages.get(timeout=5)["reason"] == "the station is paused"
        assert live.latest(built.parts[0].record.part_id) is None


def test_only_so_many_parts_are_kept_however_small(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "KEPT_PARTS", 2)
    live = Feed()
    with build() as built:
        built.station.pipeline.listeners = (live, *built.station.pipeline.listeners)
        for number in range(3):
            built.trigger()
            wait_until(lambda number=number: len(built.parts) == number + 1)
    kept = [live.latest(part.record.part_id) is not None for part in built.parts]
    assert kept == [False, True, True]


def test_heat_of_a_view_judged_by_another_recipe_is_not_an_empty_picture(build: Any) -> None:
    bad = [Simulated(size_px=256, seed=seed, defect_rate=1.0) for seed in (3, 4)]
    with build(*bad) as built:
        built.trigger()
        wait_until(lambda: len(built.parts) == 1)
        (part,) = built.parts
        recipes = {view.name: view.recipes["flange"] for view in built.station.views}
    assert all(found.anomaly_map is not None for found in part.judgements.values())
    assert heat_png(part, recipes) is not None
    assert heat_png(part, {"view0": recipes["view0"]}) is None
    assert heat_png(part, {}) is None


def test_a_view_without_a_map_needs_no_recipe_for_heat(build: Any) -> None:
    with build() as built:
        built.trigger()
        wait_until(lambda: len(built.parts) == 1)
        (part,) = built.parts
    bare = replace(part, judgements={"view0": SimpleNamespace(anomaly_map=None)})
    assert heat_png(bare, {}) is not None
