"""Forms made of a driver's own settings: a field each, by the type and default of its keyword."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import gradio as gr

SIMPLE = {bool: "flag", int: "integer", float: "number", str: "text", Path: "text"}

NUMBERS: dict[str, type[int] | type[float]] = {"integer": int, "number": float}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting: `kind` is flag, integer, number, text, any, choice, or json, which only the set-up page asks for."""

    name: str
    kind: str
    required: bool
    default: Any
    choices: tuple[str, ...] = ()
    path: bool = False


def setting_fields(driver: Any) -> list[SettingField]:
    """The settings of a camera, output or trigger a person can give; those required first."""
    found = []
    for name, parameter in inspect.signature(driver, eval_str=True).parameters.items():
        kind, _ = kind_of(parameter.annotation)
        if kind is None:
            continue
        required = parameter.default is inspect.Parameter.empty
        literal = get_origin(parameter.annotation) is Literal
        field = SettingField(
            name=name,
            kind="choice" if literal else kind,
            required=required,
            default=None if required else plain(parameter.default),
            choices=get_args(parameter.annotation) if literal else (),
            path=Path in (parameter.annotation, *get_args(parameter.annotation)),
        )
        found.append(field)
    return sorted(found, key=lambda field: not field.required)


def component_of(
    field: SettingField, value: Any, *, say: gr.I18n, known: Collection[str], where: str
) -> Any:
    """The component that asks for a setting; its words are `settings.NAME`, else its own name."""
    key = f"settings.{field.name}"
    usual = field.name if field.default in (None, "") else f"{field.name} = {field.default}"
    label: Any = say(key) if key in known else field.name
    about: dict[str, Any] = {
        "label": label,
        "info": say("settings.required") if field.required else usual,
        "interactive": True,
        "elem_id": f"{where}-{field.name}",
    }
    if field.kind == "flag":
        return gr.Checkbox(value=bool(value), **about)
    if field.kind == "choice":
        return gr.Dropdown(list(field.choices), value=value, **about)
    # A number that may be left out is a text: an empty gr.Number comes back as 0.
    if field.kind in NUMBERS and field.default is not None:
        precision = 0 if field.kind == "integer" else None
        return gr.Number(value=value, precision=precision, **about)
    if field.kind == "json" and value is not None:
        value = json.dumps(value)
    return gr.Textbox(value="" if value is None else str(value), max_length=500, **about)


def settings_given(
    fields: Collection[SettingField], given: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """The table a form makes: what is empty or usual is left out, unless the file says it already.

    A setting that the form has no field for stays as it is in the file.
    """
    shown = {field.name for field in fields if field.kind != "json"}
    table = {name: value for name, value in before.items() if name not in shown}
    for field in fields:
        value = given.get(field.name)
        if isinstance(value, str):
            value = value.strip()
        usual = value == field.default and field.name not in before
        if field.name not in shown or value in (None, "") or usual:
            continue
        table[field.name] = _number(field, value) if field.kind in NUMBERS else value
    return table


def _number(field: SettingField, value: Any) -> Any:
    """The number a text says; another text is refused where the table is checked."""
    try:
        return NUMBERS[field.kind](value)
    except ValueError:
        return value


def kind_of(annotation: Any) -> tuple[str | None, bool]:
    """Say what kind of value a form asks for, and whether it may be none; None where a person cannot give one."""
    wanted = [annotation]
    if get_origin(annotation) in (types.UnionType, Union):
        wanted = list(get_args(annotation))
    optional = type(None) in wanted
    wanted = [each for each in wanted if each is not type(None)]
    simple = {SIMPLE.get(each) for each in wanted}
    if None not in simple:
        return (str(simple.pop()) if len(simple) == 1 else "any"), optional
    callable_ = any("Callable" in str(each) for each in wanted)
    return (None if callable_ else "json"), optional


def plain(value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (tuple, set)) else value
