"""What the analysis page answers, over a real record whose every score is known."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from scipy.stats import binomtest
from starlette.testclient import TestClient

from inspection.errors import InspectionError
from inspection.intervals import exact_intervals
from inspection.judgement import Judgement, Region, Verdict
from inspection.labels.labels import Labels, Truth
from inspection.reasons import CODES, JUDGED, Reason
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.calibration import promises
from inspection.recipe.setup_file import Zone
from inspection.reports.pareto import pareto
from inspection.station.station_file import read_station
from inspection.store import NewPart, Store, open_store
from inspection.store.filters import ALL_PARTS, PartFilter
from inspection.store.reading import summary
from inspection.store.reading.summary import TooMuch, columns_of
from tests.ui.filled_record import (
    BEGAN,
    CANNOT,
    GOOD,
    OLD,
    STATION,
    filled,
    part,
    region,
)  # fmt: skip
from ui.core import errors as refuse
from ui.core.context import Context
from ui.live.station_client import StationGone
from ui.pages.analysis import routes as analysis
from ui.pages.analysis import thumbnails as analysis_thumbs
from ui.pages.analysis.axis import Axis, apart, score_axis
from ui.pages.analysis.parts import lines
from ui.pages.analysis.service import AnalysisService
from ui.pages.analysis.threshold import Kind, Rules, kind_of, read_parts
from ui.pages.analysis.zone_limits import with_limits, with_zone_limits, zone_limits
from ui.security.users import Role, User
from ui.words import Words

API = "/api/engineer/analysis"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "station.toml").write_text(STATION)
    with open_store(tmp_path / "parts.db") as store:
        filled(store)
        yield store


class Noting:
    """Notes actions in the record as the station does; `gone`: there is none."""

    def __init__(self, store: Store) -> None:
        self.store, self.gone = store, False

    async def do(self, verb: str, *, kind: str, who: str, detail: dict[str, Any]) -> None:
        if self.gone:
            raise StationGone("the station is not running")
        self.store.add_action(kind, who, detail=detail)


@pytest.fixture
def noting(writer: Store) -> Noting:
    return Noting(writer)


@pytest.fixture
def context(writer: Store, tmp_path: Path, noting: Noting) -> Iterator[Context]:
    settings = read_station(tmp_path / "station.toml")
    with open_store(settings.record, read_only=True) as store:
        given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
        given |= {"settings": settings, "store": store, "words": Words(), "runtime": noting}
        given["station_path"] = tmp_path / "station.toml"
        yield Context(**given)


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    app = FastAPI()
    refuse.install(app)
    app.include_router(analysis.routes(context))

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        user = User("mia", Role.ENGINEER)
        await app({**scope, "language": "en", "user": user}, receive, send)

    with TestClient(signed_in) as client:
        yield client


@pytest.fixture
def ask(client: TestClient) -> Callable[..., dict[str, Any]]:
    def post(path: str, **body: Any) -> dict[str, Any]:
        answer = client.post(API + path, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return post


def floats(text: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(text), "<f8")


def codes(text: str) -> list[int]:
    return list(base64.b64decode(text))


# Statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 60, 1000])
def test_intervals_are_those_of_scipys_exact_binomial_test(n: int) -> None:
    low, high = exact_intervals(n)
    for k in {0, 1, n // 3, n - 1, n}:
        wanted = binomtest(k, n).proportion_ci(0.95, method="exact")
        assert (low[k], high[k]) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_of_no_part_everything_is_possible() -> None:
    assert [list(each) for each in exact_intervals(0)] == [[0.0], [1.0]]


def test_the_promise_at_the_recipes_fail_limit_is_the_recipes_own() -> None:
    from inspection.recipe.calibration import calibrate

    scores = np.sort(np.random.default_rng(3).gamma(2.0, size=124))
    for rate in (0.01, 0.05, 0.2):
        own = calibrate(scores, false_reject=rate)
        share, bound = promises(len(scores))
        above = int((scores > own.fail_threshold).sum())
        assert share[above] == pytest.approx(own.false_reject_promised)
        assert bound[above] == pytest.approx(own.false_reject_bound)


def test_below_every_good_score_nothing_is_promised() -> None:
    share, bound = promises(20)
    assert (share[20], bound[20], len(share)) == (1.0, 1.0, 21)


def test_pareto_sums_up_to_all_of_it() -> None:
    bars = pareto({"b": 3, "a": 3, "c": 4})
    assert [(bar.name, bar.count) for bar in bars] == [("c", 4), ("a", 3), ("b", 3)]
    assert [bar.summed for bar in bars] == pytest.approx([0.4, 0.7, 1.0])


# Limits of zones -------------------------------------------------------------------------------


def zoned(line: Any, **rim: Any) -> Recipe:
    """The shared recipe with a zone "rim" and one without a limit."""
    recipe = open_recipe(line.recipe_path)
    corners = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0))
    zones = (Zone(name="rim", polygon=corners, **rim), Zone(name="bore", polygon=corners))
    setup = replace(recipe.settings.setup, zones=zones, scale_mm_per_px=None)
    return recipe.with_settings(replace(recipe.settings, setup=setup))


def sized(number: int, verdict: Verdict, *regions: Region) -> NewPart:
    return part(verdict, 2.5 if regions else 0.5, number, regions=regions)


def test_limits_of_zones_judge_the_recorded_places_again(line: Any, tmp_path: Path) -> None:
    rim = partial(region, 2.5, zone="rim")
    small, large = replace(rim(), area_px=10.0), replace(rim(), area_px=50.0)
    allowed = replace(rim(), area_px=4.0, accepted=True)
    elsewhere = replace(region(2.5, zone="bore"), area_px=1.0)
    made = [
        sized(0, Verdict.PASS),
        sized(1, Verdict.PASS, allowed),
        sized(2, Verdict.FAIL, small),
        sized(3, Verdict.FAIL, large),
        sized(4, Verdict.FAIL, small, elsewhere),
        sized(5, Verdict.FAIL, small, small),
        part(Verdict.CANNOT_INSPECT, None, 6, cause=Reason("too_dark", {"value": 1, "limit": 3}), threshold=None),
    ]  # fmt: skip
    recipe = zoned(line, max_area_px=5.0)
    with open_store(tmp_path / "zones.db") as store:
        ids = [record.part_id for record in store.add_many(made)]
        for n, label in ((0, "OK"), (2, "OK"), (5, "OK"), (3, "NG"), (4, "NG")):
            store.add_event(ids[n], "label", "jo", detail={"label": label})
        labels = Labels().read(store)
        found = read_parts(store, ALL_PARTS, limit=9, labels=labels, recipe=recipe, several=False)
    now = with_limits(found, recipe, {"rim": {"max_area_px": 5.0}})
    assert (now["to_pass"], now["to_reject"]) == (0, 0)
    looser = with_limits(found, recipe, {"rim": {"max_area_px": 20.0}})
    assert (looser["to_pass"], looser["to_reject"], looser["unknown"]) == (2, 0, 0)
    assert (looser["overkill_now"]["count"], looser["overkill"]["count"]) == (2, 0)
    assert (looser["escapes"]["count"], looser["escapes"]["n"]) == (0, 2)
    single = with_limits(found, recipe, {"rim": {"max_area_px": 20.0, "max_count": 1}})
    assert (single["to_pass"], single["overkill"]["count"]) == (1, 1)
    everything = with_limits(
        found, recipe, {"rim": {"max_area_px": 99.0}, "bore": {"max_area_px": 99.0}}
    )
    assert (everything["to_pass"], everything["escapes"]["count"]) == (4, 2)
    faint = with_limits(found, recipe, {"rim": {"max_peak_percent": 1000.0}})
    assert (faint["to_pass"], faint["to_reject"]) == (3, 0)
    nothing = with_limits(found, recipe, {"rim": {}})
    assert (nothing["to_pass"], nothing["to_reject"]) == (0, 1)
    views = replace(found, kind=np.full(7, Kind.SEVERAL_VIEWS, dtype=np.uint8))
    several = with_limits(views, recipe, {"rim": {"max_area_px": 20.0}})
    assert (several["to_pass"], several["unknown"]) == (0, 3)
    assert several["overkill"]["most"] == 2


def test_a_recipe_has_other_limits_of_zones_and_nothing_else(line: Any) -> None:
    recipe = zoned(line, max_area_px=5.0)
    changed = with_zone_limits(recipe, {"bore": {"max_area_px": 7.5}}, {"by": "mia"})
    assert [(each["name"], each["max_area_px"]) for each in zone_limits(changed)] == [
        ("rim", 5.0),
        ("bore", 7.5),
    ]
    assert changed.settings.training["zone_limits"] == {"by": "mia"}
    assert changed.settings.calibration == recipe.settings.calibration
    for limits, message in (
        ({"hub": {}}, "zone 'hub': is not one"),
        ({"rim": {"max_area_px": -1}}, "max_area_px: Input should be greater than 0"),
        ({"rim": {"max_area_mm2": 1.0}}, "max_area_mm2 needs scale_mm_per_px"),
        ({"rim": {"max_count": 2}}, "max_count needs max_area_px"),
    ):
        with pytest.raises(InspectionError, match=message):
            with_zone_limits(recipe, limits, {})


# What can be known of a part --------------------------------------------------------------------

NONE, RIM = Rules(frozenset(), known=True), Rules(frozenset({"rim"}), known=True)


def told(score: float, zone: str | None = None, *, accepted: bool = False) -> dict[str, Any]:
    return {"peak_score": score, "zone": zone, "accepted": accepted}


@pytest.mark.parametrize(
    ("verdict", "score", "regions", "rules", "kind"),
    [
        (Verdict.PASS, 0.4, [], NONE, Kind.BY_SCORE),
        (Verdict.PASS, 0.4, [], RIM, Kind.RULE_MAY_ALLOW),
        (Verdict.PASS, 1.4, [told(1.4, "rim", accepted=True)], RIM, Kind.RULE_ALLOWED),
        (Verdict.FAIL, 1.4, [told(1.4)], RIM, Kind.BY_SCORE),
        (Verdict.FAIL, 1.4, [told(1.4, "hub")], RIM, Kind.BY_SCORE),
        (Verdict.FAIL, 1.4, [told(1.4, "rim")], RIM, Kind.RULE_REFUSED),
        (Verdict.FAIL, 1.4, [told(1.4, "rim")], NONE, Kind.BY_SCORE),
        # The worst place is allowed, another one is not: its height is not in the record.
        (
            Verdict.REVIEW,
            1.4,
            [told(1.4, "rim", accepted=True), told(1.2)],
            RIM,
            Kind.RULE_REFUSED,
        ),
        (Verdict.CANNOT_INSPECT, None, [], NONE, Kind.CANNOT),
    ],
)
def test_kind_of_a_part(
    verdict: Verdict, score: float | None, regions: list[dict[str, Any]], rules: Rules, kind: Kind
) -> None:
    assert kind_of(verdict, score, regions, rules) is kind


def test_a_part_that_a_defect_head_rejected_passes_at_no_limit(tmp_path: Path) -> None:
    """Its score is within the limit it was judged by: what it would be at others is not known."""
    like = Reason("known_defect", {"size": 40, "unit": "px", "score": 7.0, "limit": 5.0})
    place = Region(
        x_px=1, y_px=1, width_px=9, height_px=9, area_px=40.0, area_mm2=None, peak_score=7.0,
        label="dent",
    )  # fmt: skip
    with open_store(tmp_path / "parts.db") as store:
        for verdict, cause, regions in (
            (Verdict.REVIEW, like, (place,)),
            (Verdict.PASS, Reason("nothing_unusual", {"score": 0.5, "limit": 1.0}), ()),
        ):
            judgement = Judgement(
                verdict=verdict, cause=cause, recipe_id="r", score=0.5, p_value=0.4, threshold=1.0,
                regions=regions,
            )  # fmt: skip
            store.add(NewPart(judgement=judgement, image_bytes=b"as it came"))
        found = read_parts(store, ALL_PARTS, limit=9, labels={}, recipe=None, several=False)
    assert [Kind(kind) for kind in found.kind] == [Kind.BY_SCORE, Kind.SEVERAL_VIEWS]


def test_arrays_hold_what_was_recorded(ask: Callable[..., dict[str, Any]]) -> None:
    found = ask("/stored", recipe=OLD)
    assert (found["parts"], found["threshold"], found["fail_threshold"]) == (250, 1.0, None)
    assert (found["promise"], found["own"]) == (None, None)  # the recipe is not on this machine
    assert list(floats(found["number"])) == list(range(250, 0, -1))
    scores = floats(found["score"])
    assert np.isnan(scores[:CANNOT]).all()
    assert scores[-1] == 0.002
    assert scores[CANNOT] == pytest.approx(3.0)
    assert found["extent"] == [0.002, 0.002, pytest.approx(3.0)]
    verdicts = [found["verdicts"][code] for code in codes(found["verdict"])]
    assert verdicts.count("PASS") == GOOD
    assert verdicts.count("REVIEW") == 20
    assert verdicts.count("FAIL") == 20
    kinds = codes(found["kind"])
    assert kinds.count(Kind.CANNOT) == CANNOT
    # No recipe: a rule of the zone that was seen, rim, cannot be excluded.
    assert found["rules"] == {"known": False, "zones": ["rim"]}
    assert kinds.count(Kind.RULE_REFUSED) == 10
    assert kinds.count(Kind.RULE_MAY_ALLOW) == GOOD
    peaks = floats(found["peak"])
    assert np.nanmax(peaks) == pytest.approx(3.0)
    assert np.isnan(peaks[-GOOD:]).all()


def test_the_histograms_count_every_part_that_has_a_score(
    ask: Callable[..., dict[str, Any]],
) -> None:
    found = ask("/stored", recipe=OLD, on_line=1.5)
    tips = re.compile(r'data-tip="[^"]*stored PASS ([\d,]+), reject ([\d,]+)"')
    for charts, log in zip(found["charts"], (False, True), strict=True):
        for chart in charts:
            assert chart["log"] is log
            assert chart["low"] <= 0.002 < 3.0 < chart["high"]
            bars = [tuple(map(int, bar)) for bar in tips.findall(chart["html"])]
            assert len(bars) == 120
            assert [sum(each) for each in zip(*bars, strict=True)] == [GOOD, 40]
            assert [
                text in chart["html"] for text in ("PASS up to 1<", "on the line now 1.5<")
            ] == [
                True,
                True,
            ]
    assert "on the line now" not in ask("/stored", recipe=OLD, on_line=1.0)["charts"][0][0]["html"]


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Axis(-2, 3), [-2, -1, 0, 1, 2, 3]),
        (Axis(0.07, 12, log=True), [0.1, 0.2, 0.5, 1, 2, 5, 10]),
        (Axis(0, 2e-7), [0, 5e-8, 1e-7, 1.5e-7, 2e-7]),
    ],
)
def test_an_axis_has_round_values(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks(5) == pytest.approx(ticks)
    for value in ticks:
        assert axis.back(axis.at(value)) == pytest.approx(value, rel=1e-9, abs=1e-15)


def test_an_axis_holds_every_limit_and_no_fail_limit_far_out() -> None:
    assert score_axis([0.1, 0.1, 0.9], [1.0, 2.0], None, log=False) == Axis(0.0, 2.06)
    assert score_axis([0.1, 0.1, 0.9], [1.0, 1.0], 50.0, log=True) == Axis(0.097, 3.09, log=True)
    assert score_axis([None, None, None], [0.0, 0.0], None, log=True) == Axis(0.0, 1.0)
    assert score_axis([-1.0, None, -0.5], [-0.8, -0.8], None, log=True).log is False
    assert apart([0, 1, 2, 5], lambda value: value / 10, 0.2) == [0, 2, 5]


def test_a_smaller_choice_takes_the_latest(ask: Callable[..., dict[str, Any]]) -> None:
    assert list(floats(ask("/stored", recipe=OLD, limit=3)["number"])) == [250, 249, 248]
    assert ask("/stored", recipe=OLD, lot="L1")["parts"] == 100
    until = (BEGAN + timedelta(minutes=30)).isoformat()
    assert ask("/stored", recipe=OLD, until=until)["parts"] == 30
    assert ask("/stored", recipe="f00d")["parts"] == 0


def test_a_recipe_must_be_chosen(client: TestClient) -> None:
    answer = client.post(API + "/stored", json={})
    assert (answer.status_code, answer.json()["ok"]) == (400, False)


def test_labels_become_truths_and_intervals(
    writer: Store, ask: Callable[..., dict[str, Any]]
) -> None:
    parts = {record.number: record.part_id for record in writer.parts(limit=300)}

    def label(number: int, said: str | None, who: str = "mia", **more: Any) -> None:
        writer.add_event(parts[number], "label", who, detail={"label": said, **more})

    for number in (1, 2, 3):
        label(number, "OK")
    label(3, "NG", defect="scratch")  # the latest of a person counts
    label(210, "NG", "jo", defect="dent")
    label(220, "OK")
    label(220, "NG", "jo")  # disputed
    label(221, "OK")
    label(221, "NG", "jo")
    label(221, "NG", "ada", decides=True)
    label(222, "NG")
    label(222, None)  # taken back
    label(223, "OK")
    writer.add_event(parts[223], "disagree", "oli", detail={"comment": "a dent"})
    label(250, "NG")  # could not be inspected
    found = ask("/stored", recipe=OLD)
    truths = dict(zip(floats(found["number"]), codes(found["truth"]), strict=True))
    assert [truths[n] for n in (1, 2, 3, 210, 220, 221, 222, 223)] == [
        Truth.OK, Truth.OK, Truth.NG, Truth.NG, Truth.DISPUTED, Truth.NG, Truth.NOTHING,
        Truth.DISPUTED,
    ]  # fmt: skip
    assert (found["disputed"], found["labelled_cannot"]) == (2, 1)
    said = "2 parts on which labels differ are left out. 1 labelled"
    assert f'<p class="small">{said}' in found["html_figures"]
    assert found["intervals"]["ok"]["n"] == 2
    assert found["intervals"]["ng"]["n"] == 3  # not the one without a score
    wanted = binomtest(1, 3).proportion_ci(0.95, method="exact")
    got = floats(found["intervals"]["ng"]["low"])[1], floats(found["intervals"]["ng"]["high"])[1]
    assert got == pytest.approx((wanted.low, wanted.high))


def test_with_the_recipe_here_its_promise_is_told(
    writer: Store,
    client: TestClient,
    context: Context,
    recipe_path: Path,
    recipe: Recipe,
    tmp_path: Path,
) -> None:
    shutil.copy(recipe_path, tmp_path / "flange.recipe")
    limit = recipe.settings.calibration.threshold
    writer.add(part(Verdict.PASS, limit / 2, 900, recipe_id=recipe.id, threshold=limit))
    found = client.post(API + "/stored", json={"recipe": recipe.id}).json()
    assert (found["threshold"], found["parts"]) == (limit, 1)
    assert found["fail_threshold"] == recipe.settings.calibration.fail_threshold
    assert list(floats(found["promise"]["scores"])) == list(recipe.scores)
    share = floats(found["promise"]["share"])
    own = recipe.settings.calibration
    above = int((recipe.scores > own.fail_threshold).sum())
    assert share[above] == pytest.approx(own.false_reject_promised)
    assert found["own"]["review_estimated"] == own.review_estimated
    assert tuple(found["own"]["review_ci95"]) == own.review_ci95
    assert codes(found["kind"]) == [Kind.BY_SCORE]
    service = AnalysisService(context)
    assert service.has(recipe.id)
    assert [each.recipe_id for each in service.recipes("flange")] == [recipe.id, OLD]
    assert not service.has(OLD)


@pytest.fixture(scope="session")
def recipe_path(line: Any) -> Path:
    return Path(line.recipe_path)


# Record ------------------------------------------------------------------------------------------


def test_a_question_that_takes_too_long_is_given_up(
    writer: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "LIMIT_S", 0.0)
    monkeypatch.setattr(summary, "_STEPS", 1)
    with pytest.raises(TooMuch, match="within 0 s; ask for a shorter time"):
        columns_of(writer, ALL_PARTS, ("number",), limit=10)
    monkeypatch.undo()
    assert len(columns_of(writer, ALL_PARTS, ("number",), limit=10)) == 10


# Cards -----------------------------------------------------------------------------------------


def test_lines_come_in_the_order_asked_for(writer: Store) -> None:
    assert [each["number"] for each in lines(writer, [7, 999, 3])] == [7, 3]


def test_a_score_without_end_is_told_by_name(writer: Store) -> None:
    done = writer.add(part(Verdict.FAIL, float("inf"), 900))
    assert lines(writer, [done.number])[0]["score"] == "Infinity"


def test_what_is_no_question_is_refused(client: TestClient) -> None:
    for body in ({"recipe": OLD, "sql": "1"}, {"since": "2026-03-05T06:00"}, {"number": -1}):
        assert client.post(API + "/stored", json=body).status_code == 422


def test_thumbs_are_small_kept_and_bounded(
    writer: Store, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = writer.parts(PartFilter(verdict="PASS"), limit=20)
    answer = client.get(f"{API}/thumb/{some[0].part_id}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (132, 176, 3)
    assert len(answer.content) < 5_000
    monkeypatch.setattr(analysis_thumbs, "KEPT_BYTES", 3 * len(answer.content))
    thumbs = analysis_thumbs.Thumbs(writer)
    for record in some:
        assert thumbs.of(record.part_id)
    assert thumbs.bytes <= 3 * len(answer.content) + 300


def test_a_part_without_a_picture_has_no_thumb(writer: Store, client: TestClient) -> None:
    cannot = writer.parts(PartFilter(verdict="CANNOT_INSPECT"), limit=1)[0]
    assert client.get(f"{API}/thumb/{cannot.part_id}").status_code == 404
    gone = writer.parts(PartFilter(verdict="PASS"), limit=1)[0]
    path = writer.image_path(gone)
    assert path is not None
    path.write_bytes(b"no picture")
    assert client.get(f"{API}/thumb/{gone.part_id}").status_code == 404
    path.unlink()
    assert client.get(f"{API}/thumb/{gone.part_id}").status_code == 404


@pytest.mark.parametrize(
    "name", ["..%2f..%2fparts.db", "%2e%2e%2fparts.db", "parts.db", "/etc/passwd", "..", "%00"]
)
def test_no_path_leads_out(client: TestClient, name: str) -> None:
    answer = client.get(f"{API}/thumb/{name}")
    assert answer.status_code in (404, 405)
    assert b"SQLite" not in answer.content
    assert b"root:" not in answer.content


# Words --------------------------------------------------------------------------------------------


def test_every_kind_of_reason_has_a_name() -> None:
    keys = Words().keys
    missing = {f"causes.{code}" for code in CODES - JUDGED} - keys
    assert missing == set()


def test_words_the_scripts_say_are_in_the_catalogue() -> None:
    import re

    static = Path(analysis.__file__).parents[2] / "static" / "analysis"
    said = set()
    for path in static.glob("*.js"):
        said |= set(re.findall(r'(?<![a-z])t\("([a-z_.]+)"', path.read_text("utf-8")))
    assert len(said) > 10
    assert said <= Words().keys, said - Words().keys


def test_recipes_of_the_shared_line_can_be_opened(recipe_path: Path) -> None:
    assert len(open_recipe(recipe_path).scores) == 40
    assert json.dumps(sorted(Kind)) == "[0, 1, 2, 3, 4, 5]"
