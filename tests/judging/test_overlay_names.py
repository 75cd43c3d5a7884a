"""Two pictures never share an overlay."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.judging.overlay import overlay_names


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a", "a_2"], ["a", "a_2", "a_2_2"]),
        (["a_2", "a", "a"], ["a_2", "a", "a_3"]),
    ],
)
def test_each_overlay_has_a_name_of_its_own(stems: list[str], names: list[str]) -> None:
    paths = [Path(f"folder{i}", f"{stem}.png") for i, stem in enumerate(stems)]
    assert overlay_names(paths) == names
