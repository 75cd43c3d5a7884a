"""Two pictures never share an overlay."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.judging.overlay import overlay_names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["good/000.png", "bad/000.png"], ["good_000", "bad_000"]),
        (["a/f/1.png", "b/f/1.png", "c/f/1.png"], ["f_1", "f_1_2", "f_1_3"]),
        (["a/f/1.png", "b/f/1.png", "f/1_2.png"], ["f_1", "f_1_2", "f_1_2_2"]),
        (["f/1_2.png", "a/f/1.png", "b/f/1.png"], ["f_1_2", "f_1", "f_1_3"]),
        (["/1.png"], ["1"]),
    ],
)
def test_each_overlay_has_a_name_of_its_own(paths: list[str], names: list[str]) -> None:
    assert overlay_names([Path(path) for path in paths]) == names


def test_a_picture_in_the_folder_one_works_in_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert overlay_names([Path("000.png")]) == [f"{tmp_path.name}_000"]
