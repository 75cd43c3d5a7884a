"""Control charts against figures worked by hand, and the handbook's own."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.control_charts import individuals_chart, p_chart


def test_the_limits_of_a_proportion_follow_the_size_of_its_sample() -> None:
    found = p_chart([12, 15, 8, 40], [50, 50, 50, 200])
    assert found.centre == pytest.approx(75 / 350)
    spread = 3 * np.sqrt(75 / 350 * 275 / 350 / np.array([50, 50, 50, 200]))
    assert found.high == pytest.approx(75 / 350 + spread)
    assert found.low == pytest.approx(75 / 350 - spread)
    assert found.values.tolist() == [0.24, 0.3, 0.16, 0.2]
    assert found.outside.tolist() == [False] * 4
    assert p_chart([0, 0, 5], [10, 10, 10]).low.tolist() == [0, 0, 0]
    assert p_chart([1] * 20 + [9], [20] * 21).outside.tolist() == [False] * 20 + [True]


def test_individuals_as_in_the_handbook() -> None:
    # NIST/SEMATECH e-Handbook, 6.3.2.2: flow rates of ten batches; x = 50.81, MR = 1.8778.
    flow = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    found = individuals_chart(flow)
    assert found.centre == pytest.approx(50.81)
    assert found.high[0] == pytest.approx(55.8041, abs=1e-3)
    assert found.low[0] == pytest.approx(45.8159, abs=1e-3)
    assert not found.outside.any()


def test_what_cannot_be_charted_is_refused() -> None:
    with pytest.raises(ValueError, match="samples of one part at least"):
        p_chart([0], [0])
    with pytest.raises(ValueError, match="2 finite values at least"):
        individuals_chart([1.0])
