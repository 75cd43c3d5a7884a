"""Every picture a camera sent is counted once."""

from __future__ import annotations

import pytest

from cameras import FrameCount
from cameras._genicam.frame_ids import frames_between
from cameras.base import FATES


def test_sent_is_the_sum() -> None:
    count = FrameCount()
    for n, fate in enumerate(FATES, start=1):
        count = count.plus(fate, n)
    assert count == FrameCount(
        sent=15, complete=1, incomplete=2, missed=3, backpressure=4, unsupported=5
    )
    assert str(count) == (
        "15 sent = 1 complete + 2 incomplete + 3 missed + 4 backpressure + 5 unsupported"
    )
    assert (count + FrameCount().plus("missed")).missed == 4


def test_a_count_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        FrameCount(sent=3, complete=1, missed=1)
    assert str(caught.value) == (
        "FrameCount.sent: expected 2 "
        "(1 complete + 0 incomplete + 1 missed + 0 backpressure + 0 unsupported), got 3"
    )
    with pytest.raises(ValueError, match=r"^FrameCount.missed: expected 0 or more, got -1$"):
        FrameCount(sent=0, complete=1, missed=-1)


@pytest.mark.parametrize(
    ("previous", "now", "between"),
    [
        (None, 65_401, 0),
        (7, 8, 0),
        (7, 10, 2),
        (65_535, 1, 0),
        (65_534, 1, 1),
        (65_535, 3, 2),
        (65_400, 65_401, 0),
        (70_000, 70_001, 0),
        (0, 0, 0),
    ],
)
def test_frames_between_two_ids(previous: int | None, now: int, between: int) -> None:
    assert frames_between(previous, now) == between
