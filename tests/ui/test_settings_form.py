"""Forms made of a driver's own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cameras import camera_class, camera_names
from inspection.errors import SetupError
from inspection.plant.notices import NOTIFIERS, notifier_class
from inspection.plant.outputs import output_class, output_names
from inspection.plant.triggers import trigger_class, trigger_names
from inspection.station.station_file import settings_for
from ui.core.settings_form import setting_fields, settings_given
from ui.words import Words

DRIVERS: list[Any] = [
    *map(camera_class, camera_names()),
    *map(output_class, output_names()),
    *map(trigger_class, trigger_names()),
    *map(notifier_class, NOTIFIERS),
]


def test_every_setting_of_every_driver_has_its_words() -> None:
    known = Words().keys
    names = {
        field.name for kind in DRIVERS for field in setting_fields(kind) if field.kind != "json"
    }
    assert {name for name in names if f"settings.{name}" not in known} == set()


def test_fields_say_what_is_required_and_what_may_be_chosen() -> None:
    fields = {field.name: field for field in setting_fields(output_class("image_folder"))}
    assert list(fields) == ["folder", "which"]
    assert (fields["folder"].required, fields["folder"].path) == (True, True)
    assert (fields["which"].kind, fields["which"].choices) == ("choice", ("rejected", "all"))


def test_a_table_holds_what_is_not_usual_and_what_the_form_does_not_show() -> None:
    fields = setting_fields(camera_class("simulated"))
    before = {"seed": 0, "faults": {"3": "lost"}, "count": 9}
    given = {"seed": 0, "size_px": 512, "defect_rate": 1, "count": " 12 ", "colour": False}
    assert settings_given(fields, given, before) == {
        "faults": {"3": "lost"},
        "seed": 0,
        "defect_rate": 1.0,
        "count": 12,
        "colour": False,
    }
    wrong = settings_given(fields, {"count": "many"}, {})
    with pytest.raises(SetupError, match=r"views\.top\.settings\.count"):
        settings_for(camera_class("simulated"), wrong, where="views.top.settings", home=Path())
