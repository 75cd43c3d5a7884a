"""The code in the picture names the product: judged by its recipe, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cameras import Frame
from cameras.simulated import Simulated
from inspection.judgement import Verdict
from inspection.station.code_reader import missing
from inspection.station.station_file import IdentitySettings

if (problem := missing()) is not None:
    pytest.skip(problem, allow_module_level=True)

BY_CODE = IdentitySettings(pattern="(?P<product>[a-z]+)/(?P<serial>S[0-9]+)")


class Coded(Simulated):
    """The simulated line with a DataMatrix on its parts; an empty text is none."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(size_px=256, defect_rate=0.0)
        self.texts = list(texts)

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        import zxingcpp

        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        text = self.texts.pop(0)
        if not text:
            return frame
        code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str("DataMatrix"))
        drawn = np.asarray(zxingcpp.write_barcode_to_image(code, scale=3))
        small = np.pad(drawn, 8, constant_values=255)
        image = frame.image.copy()
        image[: small.shape[0], : small.shape[1]] = small[..., None]
        return replace(frame, image=image)


@pytest.fixture
def recipes(recipe: Any, with_setup: Any) -> dict[str, Any]:
    bracket = with_setup(product="bracket")
    bracket.id = "b" * 64
    return {"flange": recipe, "bracket": bracket}


def test_the_code_chooses_the_recipe_and_only_for_its_own_part(
    build: Any, recipe: Any, recipes: Any
) -> None:
    camera = Coded(["bracket/S1", "flange/S2", "bracket/S3"])
    with build(camera, products=tuple(recipes), recipes=recipes, identity=BY_CODE) as built:
        for number in range(3):
            assert built.trigger(serial="told" if number == 2 else None)
            built.settle(number + 1)
        found = built.store.parts(newest_first=False)
        assert [(part.product, part.recipe_id, part.serial) for part in found] == [
            ("bracket", "b" * 64, "S1"),
            ("flange", recipe.id, "S2"),
            ("bracket", "b" * 64, "told"),
        ]
        assert [result.product for result in built.answers.results] == [p.product for p in found]
        assert built.station.product == "flange"


def test_without_a_product_that_can_be_trusted_nothing_is_judged(build: Any, recipes: Any) -> None:
    camera = Coded(["", "nut/S1", "bracket/S2"])
    with build(camera, products=tuple(recipes), recipes=recipes, identity=BY_CODE) as built:
        for number, product in enumerate((None, None, "flange")):
            assert built.trigger(product=product)
            built.settle(number + 1)
        results = built.answers.results
        assert {result.verdict for result in results} == {Verdict.CANNOT_INSPECT}
        assert [result.reason for result in results] == [
            "no code in the picture names the product",
            "the code names the product 'nut': no recipe for it; allowed: flange, bracket",
            "the code names the product 'bracket', the trigger 'flange'",
        ]
        assert {part.recipe_id for part in built.store.parts()} == {""}


def test_a_trigger_that_names_the_product_needs_no_code(build: Any, recipes: Any) -> None:
    camera = Coded([""])
    with build(camera, products=tuple(recipes), recipes=recipes, identity=BY_CODE) as built:
        assert built.trigger(product="bracket")
        built.settle(1)
        (part,) = built.store.parts()
        assert (part.product, part.recipe_id) == ("bracket", "b" * 64)
