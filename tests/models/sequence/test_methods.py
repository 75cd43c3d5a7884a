"""Every method learns from good parts, stays quiet on good ones, and finds what it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import ModelError
from models.sequence import CHARTS, method_class, method_names
from models.sequence.base import PartStream, SequenceError
from models.sequence.watch import Raised, Watch, check, learn, usable

NAMES = ("score", "brightness", "sharpness", "cycle_time_s")
LEARNT = 600
METHODS = method_names()
TRAINED = ("gru", "lstm", "lstm_autoencoder", "vae_lstm")


def stream(values: Any, *, first: int = 0, **context: list[str]) -> PartStream:
    return PartStream(
        numbers=np.arange(first, first + len(values)),
        names=NAMES[: values.shape[1]],
        values=100.0 + 3.0 * values,
        context={name: tuple(texts) for name, texts in context.items()},
    )


def good_parts(n: int, seed: int) -> Any:
    noise = np.random.default_rng(seed).standard_normal((n, 4))
    noise[:, 1] = 0.8 * noise[:, 0] + 0.6 * noise[:, 1]
    return noise


@pytest.fixture(scope="module", params=METHODS)
def watch(request: pytest.FixtureRequest) -> Callable[[], Watch]:
    """One method that learnt from good parts; each call gives it fresh."""
    taught = learn(stream(good_parts(LEARNT, 1)), [request.param])
    (method,) = taught.methods
    return lambda: Watch(taught.standard, [method], stream(good_parts(LEARNT, 1)))


def read(watch: Watch, values: Any) -> list[Raised]:
    return watch.update(stream(values, first=LEARNT))


def test_good_parts_raise_few_alarms(watch: Callable[[], Watch]) -> None:
    raised = read(watch(), good_parts(1500, 2))
    assert len(raised) <= 6
    assert sum(each.last - each.raised + 1 for each in raised) <= 150, "nor do they last"


def test_a_feed_that_stands_still_for_long_is_raised(watch: Callable[[], Watch]) -> None:
    values = good_parts(200, 3)
    values[100:, :3] = [1.3, 1.2, -1.4]
    taught = watch()
    found = [each for each in read(taught, values) if each.raised >= LEARNT + 100]
    assert bool(found) is (taught.methods[0].name != "periodic"), "what all parts share is no cycle"


EVENTS: dict[str, tuple[tuple[str, ...], Callable[[Any], None]]] = {}


def event(*methods: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    def note(make: Callable[[Any], None]) -> Callable[[Any], None]:
        EVENTS[make.__name__] = (methods, make)
        return make

    return note


@event("ewma", "cusum", "western_electric", "pca", "linear", "change_points", *TRAINED)
def step(values: Any) -> None:
    values[:, 2] += 1.5


@event("pca")
def apart(values: Any) -> None:
    """Two columns that went together no longer do."""
    values[:, 1] = -values[:, 1]


@event("periodic")
def every_seventh(values: Any) -> None:
    values[::7, 2] += 2.5


@event("repeats", "matrix_profile")
def replayed(values: Any) -> None:
    values[50:, :3] = np.resize(values[:50, :3], (len(values) - 50, 3))


@event("matrix_profile")
def replayed_noisy(values: Any) -> None:
    replayed(values)
    values[50:] += 0.05 * good_parts(len(values) - 50, 9)


CASES = [(method, name) for name, (methods, _) in EVENTS.items() for method in methods]


@pytest.mark.parametrize(("watch", "name"), CASES, indirect=["watch"])
def test_a_method_finds_what_it_is_for(watch: Callable[[], Watch], name: str) -> None:
    values = good_parts(400, 4)
    EVENTS[name][1](values[200:])
    found = [each for each in read(watch(), values) if each.raised >= LEARNT + 200]
    assert found, f"{name} was not raised"
    assert found[0].first >= LEARNT + 150, "it began long before"


def test_every_method_is_for_something() -> None:
    assert {method for method, _ in CASES} == set(METHODS)


def test_taught_twice_is_taught_once(watch: Callable[[], Watch]) -> None:
    once = watch()
    (again,) = learn(stream(good_parts(LEARNT, 1)), [once.methods[0].name]).methods
    np.testing.assert_array_equal(again.limits_, once.methods[0].limits_)


def test_part_by_part_is_as_good_as_all_at_once() -> None:
    values = good_parts(300, 5)
    values[150:, 1] += 1.0
    taught = learn(stream(good_parts(LEARNT, 1)), list(CHARTS))
    whole = Watch(taught.standard, taught.methods, stream(good_parts(LEARNT, 1)))
    single = Watch(taught.standard, taught.methods, stream(good_parts(LEARNT, 1)))
    whole.update(stream(values, first=LEARNT))
    for i in range(len(values)):
        single.update(stream(values[i : i + 1], first=LEARNT + i))
    key = [(each.method, each.raised, each.last, each.parts, each.column) for each in whole.raised]
    found = [
        (each.method, each.raised, each.last, each.parts, each.column) for each in single.raised
    ]
    assert sorted(found) == sorted(key)
    assert {"ewma", "cusum", "pca"} <= {each.method for each in whole.raised}


def test_what_is_raised_says_which_column_which_way_and_since_when() -> None:
    taught = learn(stream(good_parts(LEARNT, 1)), ["cusum"])
    values = good_parts(200, 6)
    values[100:, 1] -= 2.0
    (found,) = [
        each for each in taught.update(stream(values, first=LEARNT)) if each.column == "brightness"
    ]
    assert (found.method, found.direction) == ("cusum", "low")
    assert abs(found.first - (LEARNT + 100)) <= 5
    assert LEARNT + 100 < found.raised < LEARNT + 120
    assert found.text.startswith("cusum: brightness is low: sum of deviations out of its limits (")
    assert taught.active == taught.raised[-1:]
    assert taught.raised[-1].last == LEARNT + 199


def test_an_event_ends_and_another_is_another() -> None:
    taught = learn(stream(good_parts(LEARNT, 1)), ["ewma"])
    values = good_parts(600, 7)
    values[100:150, 0] += 3.0
    values[400:450, 0] += 3.0
    found = taught.update(stream(values, first=LEARNT))
    assert [each.over for each in found] == [True, True]
    assert found[0].last < LEARNT + 250
    assert LEARNT + 400 <= found[1].raised < LEARNT + 420


def test_normal_but_not_for_its_cavity() -> None:
    """A level that another cavity has is nothing unusual until the cavity is known."""
    n = LEARNT + 300
    cavity = np.arange(n) % 4
    values = good_parts(n, 8)
    values[:, 2] += 3.0 * cavity
    values[LEARNT + 100 :, 2][cavity[LEARNT + 100 :] == 1] += 6.0  # as cavity 3
    context = [f"cavity {each}" for each in cavity]
    known = learn(stream(values[:LEARNT], cavity=context[:LEARNT]), ["western_electric"])
    found = known.update(stream(values[LEARNT:], first=LEARNT, cavity=context[LEARNT:]))
    told = [each.raised for each in found if each.column == "sharpness"]
    assert LEARNT + 101 in told
    blind = learn(stream(values[:LEARNT]), ["western_electric"])
    missed = blind.update(stream(values[LEARNT:], first=LEARNT))
    assert min(each.raised for each in missed if each.raised >= LEARNT + 100) > LEARNT + 101


@pytest.mark.parametrize("method", METHODS)
def test_too_few_good_parts_are_refused(method: str) -> None:
    n = max(method_class(method).least_parts, 50) - 1
    with pytest.raises(
        SequenceError, match=f"{n} good parts to learn from, at least {n + 1} are needed"
    ):
        learn(stream(good_parts(n, 1)), [method])


def test_columns_that_teach_nothing_are_refused_and_named() -> None:
    values = good_parts(200, 1)
    values[:, 1] = 0.0
    with pytest.raises(SequenceError, match=r"column brightness: constant \(100\) over the good"):
        check(stream(values))
    values[:, 1] = good_parts(200, 2)[:, 1]
    values[::2, 2] = np.nan
    with pytest.raises(
        SequenceError, match="column sharpness: 100 of 200 good parts have no number"
    ):
        learn(stream(values), ["ewma"])
    assert usable(stream(values))[0] == [0, 1, 3]


def test_parts_without_numbers_are_no_alarm() -> None:
    taught = learn(stream(good_parts(LEARNT, 1)), list(CHARTS))
    values = good_parts(200, 2)
    values[100:140] = np.nan
    found = taught.update(stream(values, first=LEARNT))
    assert not [each for each in found if LEARNT + 100 <= each.raised <= LEARNT + 140]


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ModelError, match="method 'hmm': unknown; there are: all, change_points, cusum"
    ):
        learn(stream(good_parts(100, 1)), ["hmm"])


def test_charts_load_no_torch() -> None:
    script = (
        "import sys; import numpy as np; from models.sequence import CHARTS\n"
        "from models.sequence.base import PartStream; from models.sequence.watch import learn\n"
        "v = np.random.default_rng(0).standard_normal((200, 2))\n"
        "learn(PartStream(numbers=np.arange(200), names=('a', 'b'), values=v, context={}), CHARTS)\n"
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_method_stands_in_the_manual(method: str) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text("utf-8")
    assert re.search(rf"^\| .*\[`{method}`\]\(#[\w-]+\)", manual, re.MULTILINE)
    assert re.search(rf"^### .*`{method}`", manual, re.MULTILINE)
