"""A moment is written one way on every page, in every language: 2026-11-30 11:52, local time."""

from __future__ import annotations

import pytest

from tests.ui.conftest import AtWork, Opened

pytestmark = pytest.mark.slow

WRITTEN = """async () => {
    const {dateTime, when} = await import("/static/shared/format.js");
    const at = new Date(2026, 10, 30, 11, 52, 7);
    return [dateTime(at.toISOString()), dateTime(at.getTime(), {seconds: true}), when(at.getTime()),
        when(at.getTime(), {time: false}), when(at.getTime(), {date: false})];
}"""


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_a_moment_is_written_alike_in_every_language(
    at_work: AtWork, open_page: Opened, language: str
) -> None:
    page = open_page(at_work, language=language, wait=".operator .head")
    assert page.evaluate(WRITTEN) == [
        "2026-11-30 11:52",
        "2026-11-30 11:52:07",
        "2026-11-30 11:52",
        "2026-11-30",
        "11:52",
    ]
