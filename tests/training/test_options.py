"""Each effort says the canvas and its scales; the finest is the coarsest times a whole number."""

from __future__ import annotations

import pytest

from inspection.training.options import EFFORTS, TrainingOptions


@pytest.mark.parametrize(
    ("effort", "size_px", "expected"),
    [
        ("fast", (100, 100), (256, (1,))),
        ("fast", (2000, 2000), (256, (1,))),
        ("fast", (256, 4096), (256, (1,))),
        ("balanced", (100, 100), (512, (2, 1))),
        ("balanced", (3000, 3000), (512, (2, 1))),
        ("balanced", (1000, 4000), (512, (2, 1))),
        ("balanced", (256, 4096), (1024, (4, 2, 1))),  # a strip, at its full height
        ("balanced", (512, 8192), (1024, (4, 2, 1))),
        ("balanced", (128, 2048), (512, (2, 1))),
        ("thorough", (600, 600), (600, (2, 1))),
        ("thorough", (1024, 1024), (1024, (4, 2, 1))),
        ("thorough", (1500, 1500), (1500, (6, 3, 1))),
        ("thorough", (4000, 4000), (4000, (16, 8, 1))),
        ("thorough", (9000, 9000), (4800, (18, 9, 1))),
        ("thorough", (300, 300), (512, (2, 1))),  # never less than balanced
        ("thorough", (100, 100), (512, (2, 1))),
    ],
)
def test_scales_of_each_effort(
    effort: str, size_px: tuple[int, int], expected: tuple[int, tuple[int, ...]]
) -> None:
    assert TrainingOptions(effort=effort).scales(size_px) == expected


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("size", [64, 200, 256, 383, 384, 512, 640, 1000, 1536, 2048])
def test_a_size_that_is_given_is_used_whatever_the_effort(effort: str, size: int) -> None:
    side, shrinks = TrainingOptions(effort=effort, image_size_px=size).scales((3000, 3000))
    assert side == size
    assert shrinks[-1] == 1
    assert all(shrinks[0] % each == 0 for each in shrinks)
    assert (shrinks == (1,)) == (effort == "fast" or size < 384)
    assert effort == "fast" or size < 384 or 192 <= size / shrinks[0] < 400
    assert list(shrinks) == sorted(shrinks, reverse=True)


def test_balanced_and_one_part_in_twenty_to_look_at_are_the_defaults() -> None:
    options = TrainingOptions()
    assert (options.effort, options.review, options.false_reject) == ("balanced", 0.05, 0.01)
    assert options.image_size_px is None
