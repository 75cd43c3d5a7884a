"""No visible text outside the catalogue, and nothing in the catalogue that is not used or not said."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from cameras import camera_class
from ui.words import FOLDERS, LANGUAGES

from .conftest import LEFT
from .javascript import HOLE, Token, arguments, match, shown, statement_end, tokens

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "ui" / "static").rglob("*.js"))
MODULES = sorted(
    [
        *(ROOT / "ui").rglob("*.py"),
        *(ROOT / "inspection" / "reports").rglob("*.py"),
        *(ROOT / "inspection" / "judging").glob("explain_*.py"),
    ]
)
TEXTS = [path for folder in FOLDERS for path in sorted(folder.glob("*.toml"))]
BELOW = [
    path for room in ("inspection", "cameras", "models") for path in (ROOT / room).rglob("*.py")
]

SAME = {
    "JSON",
    "CSV",
    "PDF",
    "PNG",
    "FP",
    "p50",
    "p95",
    "p99",
    "OK",
    "NG",
    "ROI",
    "CPU",
    "fps",
    "Esc",
}
"""What is the same in all three languages."""
UNITS = {
    "px",
    "mm",
    "mm²",
    "ms",
    "us",
    "µs",
    "dB",
    "GB",
    "MB",
    "kB",
    "Hz",
    "fps",
    "deg",
    "lx",
    "ppm",
}


@cache
def catalogue() -> dict[str, dict[str, str]]:
    return {
        f"{path.stem}.{name}": texts
        for path in TEXTS
        for name, texts in tomllib.loads(path.read_text("utf-8")).items()
    }


def _placeholders(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)[^}]*\}", text)))


def _letters(text: str) -> str:
    """What is left to be translated of a text."""
    text = re.sub(r"\{[^}]*\}", " ", text)
    words = re.findall(r"[^\W\d_]+", text)
    return "".join(word for word in words if word not in SAME | UNITS)


def test_every_text_has_the_same_placeholders_in_all_languages() -> None:
    wrong = {
        key: {language: _placeholders(texts[language]) for language in LANGUAGES}
        for key, texts in catalogue().items()
        if len({tuple(_placeholders(texts[language])) for language in LANGUAGES}) > 1
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("language", "script"), [("ja", r"[\u3040-\u30ff\u4e00-\u9fff]"), ("ko", r"[\uac00-\ud7a3]")]
)
def test_every_text_is_translated(language: str, script: str) -> None:
    wrong = {
        key: texts[language]
        for key, texts in catalogue().items()
        if _letters(texts["en"])
        and (
            texts[language] == texts["en"]
            or (_letters(texts[language]) and not re.search(script, texts[language]))
        )
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("language", "other"),
    [
        ("ja", r"[\uac00-\ud7a3]"),
        ("ko", r"[\u3040-\u30ff]"),
        ("en", r"[\u3040-\u30ff\uac00-\ud7a3]"),
    ],
)
def test_no_text_is_in_another_language(language: str, other: str) -> None:
    wrong = {k: v[language] for k, v in catalogue().items() if re.search(other, v[language])}
    assert wrong == {}


# Keys


STORED_BY = {"kept", "getItem", "setItem", "removeItem"}
"""Calls whose first argument names what this browser keeps."""


def _strings(path: Path) -> Iterator[tuple[str, int]]:
    """Give every string of a file, expressions within it as HOLE, with its line."""
    if path.suffix == ".js":
        found = tokens(path.read_text("utf-8"))
        for place, token in enumerate(found):
            if token.kind == "string" and found[place - 2].text not in STORED_BY:
                yield token.text, token.line
        return
    tree = ast.parse(path.read_text("utf-8"))
    parts = {id(p) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value, node.lineno
        elif isinstance(node, ast.JoinedStr):
            yield _joined(node), node.lineno


def _joined(node: ast.JoinedStr) -> str:
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
    )


STEMS = "|".join(sorted(path.stem for path in TEXTS))
KEY = re.compile(rf"(?:{STEMS})\.[\w{HOLE}]+")
FILES = re.compile(r"\.(?:js|css|toml|json|csv|png|txt|html|py)$")


@cache
def said() -> dict[str, list[str]]:
    """Every key said anywhere, with where; HOLE where a part is put in as it runs."""
    found: dict[str, list[str]] = {}
    for path in (*SCRIPTS, *MODULES):
        for text, line in _strings(path):
            if KEY.fullmatch(text) and not FILES.search(text):
                found.setdefault(text, []).append(f"{path.relative_to(ROOT)}:{line}")
    return found


@cache
def words_of_the_code() -> frozenset[str]:
    """Every word that stands in the code: what may be put into the hole of a key."""
    found: set[str] = set()
    for path in (*SCRIPTS, *MODULES, *BELOW):
        text = path.read_text("utf-8")
        found.update(re.findall(r"\w+", text))
        for string, _ in _strings(path):
            found.update((re.sub(r"\W+", "_", string), re.sub(r"\W+", "_", string).lower()))
    return frozenset(found)


def _fits(pattern: str, key: str) -> bool:
    """Whether a key may come of a pattern: numbers, or words of the code, in the place of the holes."""
    head, hole, tail = pattern.partition(HOLE)
    if not hole:
        return pattern == key
    if not key.startswith(head):
        return False
    rest = key[len(head) :]
    return any(
        (rest[:end].isdigit() or rest[:end] in words_of_the_code()) and _fits(tail, rest[end:])
        for end in range(1, len(rest) + 1)
    ) or _fits(tail, rest)


def test_every_key_that_is_said_is_in_the_catalogue() -> None:
    wrong = {
        key.replace(HOLE, "{}"): where
        for key, where in said().items()
        if key not in catalogue()
        and not (HOLE in key and any(_fits(key, known) for known in catalogue()))
    }
    assert wrong == {}


def test_every_key_of_the_catalogue_is_said_somewhere() -> None:
    patterns = [key for key in said() if HOLE in key]
    unused = [
        key
        for key in catalogue()
        if key not in said() and not any(_fits(pattern, key) for pattern in patterns)
    ]
    assert unused == []


# Texts outside the catalogue

SHOWN_ATTRIBUTES = {"title", "placeholder", "aria-label", "alt", "aria-description", "label"}
SHOWN_PROPERTIES = {
    "textContent", "innerText", "innerHTML", "outerHTML", "title", "placeholder", "alt", "ariaLabel"
}  # fmt: skip
SHOWN_CALLS = {
    "append", "prepend", "replaceChildren", "createTextNode", "alert", "confirm", "prompt",
    "fillText", "insertAdjacentHTML", "insertAdjacentText", "before", "after", "replaceWith",
}  # fmt: skip
MAKERS = {"el", "svg"}
OWN_NAMES = {"English", "日本語", "한국어"}
"""Each language is called by its own name in all of them."""


def _is_text(text: str) -> bool:
    """Whether a string shown to a person holds words, not only signs, numbers and units."""
    return bool(re.search(r"[^\W\d_]{2}", _letters(text.replace(HOLE, " ")))) and (
        text not in OWN_NAMES
    )


def _is_prose(text: str) -> bool:
    """Whether a string looks like a text for people wherever it stands."""
    plain = text.replace(HOLE, " ")
    if re.search(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]", plain):
        return text not in OWN_NAMES
    return bool(
        re.fullmatch(r"[A-Z][a-z]+(?: [\w'-]+)+[.!?…]?", plain.strip())
        or re.fullmatch(r"[A-Za-z][\w'-]*(?: [\w'-]+){2,}[.!?…]", plain.strip())
    )


def visible_in_script(source: str) -> list[tuple[int, str]]:
    """List the strings of a script that a person would see and that are not of the catalogue."""
    found = tokens(source)
    wrong: list[Token] = []
    for place, token in enumerate(found):
        following = found[place + 1].text if place + 1 < len(found) else ""
        if token.kind == "string":
            wrong += [token] if _is_prose(token.text) else []
        elif token.kind == "name" and following == "(":
            wrong += _in_call(found, place)
        elif token.kind == "name" and token.text in SHOWN_PROPERTIES and following in ("=", "+="):
            end = statement_end(found, place + 2)
            wrong += [each for each in shown(found, place + 2, end) if _is_text(each.text)]
    return sorted({(token.line, token.text.replace(HOLE, "{}")) for token in wrong})


def _in_call(found: list[Token], place: int) -> Iterator[Token]:
    name, given = found[place].text, arguments(found, place + 1)
    values: list[tuple[int, int]] = []
    if name in MAKERS:
        values = given[2:]
        if len(given) > 1:
            values += list(_attributes(found, *given[1]))
    elif name in SHOWN_CALLS and not _is_form(found, place, given):
        values = given
    elif name == "toast":
        values = given[:1]
    elif name == "setAttribute" and len(given) == 2:
        values = given[1:] if found[given[0][0]].text in SHOWN_ATTRIBUTES else []
    for start, end in values:
        yield from (each for each in shown(found, start, end) if _is_text(each.text))


def _is_form(found: list[Token], place: int, given: list[tuple[int, int]]) -> bool:
    """Whether this is the `append` of a form or query, which takes a name first."""
    receiver = found[place - 2].text if place > 1 else ""
    return len(given) == 2 and receiver in {"form", "data", "query", "params", "headers", "body"}


def _attributes(found: list[Token], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the values of visible attributes in an object that is written out."""
    place = start
    if found[place].text != "{":
        return
    for first, last in arguments(found, place):
        named = last - first > 2 and found[first + 1].text == ":"
        if named and found[first].text in SHOWN_ATTRIBUTES:
            yield first + 2, last


def visible_in_module(source: str) -> list[tuple[int, str]]:
    """List the texts of a Python page: labels of Gradio, and words between tags of HTML."""
    tree = ast.parse(source)
    wrong: list[tuple[int, str]] = []
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    notes |= {id(p) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_gradio(node.func):
            wrong += [
                (value.lineno, value.value)
                for value in (*node.args, *(k.value for k in node.keywords if k.arg in GRADIO_SHOWN))
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
                and _is_text(value.value)
            ]  # fmt: skip
        text = node.value if isinstance(node, ast.Constant) else None
        text = _joined(node) if isinstance(node, ast.JoinedStr) else text
        if not isinstance(text, str) or id(node) in notes or "(?P<" in text:
            continue
        if re.search(r"</?[a-z!][^>]*>", text):
            between = re.sub(
                r"<!--.*?-->|<(script|style)\b.*?</\1>|<[^>]*(>|$)", " ", text, flags=re.S
            )
            if _is_text(between):
                wrong.append((getattr(node, "lineno", 0), between.strip().replace(HOLE, "{}")))
    return wrong


GRADIO_SHOWN = {"label", "placeholder", "info", "title", "value", "submit_btn", "stop_btn"}


def _is_gradio(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "gr"
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_shows_no_text_of_its_own(path: Path) -> None:
    assert visible_in_script(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_the_page_shows_no_text_of_its_own(path: Path) -> None:
    assert visible_in_module(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "script",
    [
        'el("button", {}, "Save")',
        'el("p", {class: "x"}, ok ? t("base.a") : "Failed")',
        "el('p', {}, `${n} parts`)",
        'el("div", {}, [el("b", {}, "bold")])',
        'el("input", {placeholder: "Name"})',
        'el("a", {"aria-label": "Close"})',
        'line.textContent = "Ready";',
        "line.textContent = `state: ${state}`;",
        'box.title = wide ? "wide" : t("base.a");',
        'node.setAttribute("title", "Open")',
        'node.append("text", other)',
        'toast("saved")',
        'context.fillText("score", 1, 2)',
        'button("Save the recipe")',
        'const LABELS = {a: "Too dark here"};',
        'x.innerHTML = "<b>hello</b>";',
        'el("p", {}, "저장")',
        'const name = "저장";',
    ],
)
def test_the_scanner_finds_texts_in_scripts(script: str) -> None:
    assert len(visible_in_script(script)) >= 1


@pytest.mark.parametrize(
    "script",
    [
        'el("button", {class: "big red", onclick: f}, t("base.sign_in"))',
        'el("td", {}, `${n} px`, " · ", values["some name"])',
        '// el("p", {}, "Save")\n/* "Save all of it" */ const a = /"Save it"/.test(b);',
        'if (a.textContent === "ready") b();',
        'el("p", {}, kind === "warning" ? t("base.a") : raw(text))',
        'place.append(el("span", {class: "dim"}, number))',
        'document.querySelector("main section .wide")',
        'el("tr", {}, ...["when", "who"].map((name) => el("th", {}, t(`base.${name}`))))',
        'form.append("files", file)',
        'toast(t("base.a"), "bad")',
    ],
)
def test_the_scanner_lets_pass_what_is_no_text(script: str) -> None:
    assert visible_in_script(script) == []


@pytest.mark.parametrize(
    ("module", "texts"),
    [
        ('gr.Button("Save")', ["Save"]),
        ('gr.Textbox(label="Name", placeholder=i18n("base.a"))', ["Name"]),
        ('x = f"<p>{a} parts</p>"', ["{} parts"]),
        ('gr.Button(i18n("base.a"), elem_id="save")', []),
        ('"""A note with <b>tags</b> in it."""', []),
        ('x = f"<p class=\\"a\\">{escape(text)}</p>"', []),
    ],
)
def test_the_scanner_finds_texts_in_modules(module: str, texts: list[str]) -> None:
    assert [text for _, text in visible_in_module(module)] == texts


# In a browser

GATHER = r"""
() => {
  const out = [], hidden = (e) => !e.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!e || ["SCRIPT", "STYLE", "NOSCRIPT", "TEXTAREA"].includes(e.tagName)) continue;
    if (e.closest("[translate=no], #values, #station-file") || hidden(e)) continue;
    if (node.textContent.trim()) out.push(node.textContent.trim());
  }
  // What Gradio says of its own tables and choices to a screen reader is English, and cannot be set.
  const own = "[role=grid], .cell-menu-button, .toolbar, .dropdown-arrow, .token-remove";
  for (const e of document.querySelectorAll("[title], [placeholder], [aria-label], [alt]")) {
    if (e.matches(own)) continue;
    if (e.closest("[translate=no], #values, #station-file") || hidden(e)) continue;
    for (const name of ["title", "placeholder", "aria-label", "alt"])
      if (e.getAttribute(name)) out.push(e.getAttribute(name));
  }
  return out;
}
"""
NAMES = {
    "line", "main", "flange", "simulated", "ada", "mia", "jo", "oli", "operator", "flange.recipe",
    "English", "CSV", "JSON", "PDF", "PNG", "ROI", "fps", "ppm", "parts", "page", "users", "PIN",
}  # fmt: skip
"""Names the test station gives: of the station, view, product, camera and people; formats; units."""
DATA = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.+]+Z?"  # a moment in UTC
    r"|\b[0-9a-f]{6,}(?:-[0-9a-f]+)*\b"  # an id
    r"|/[\w./-]+"  # a path
)
PLACES = [
    "/", "/engineer/review", "/engineer/setup", "/engineer/analysis", "/account", "/login",
    "/admin#users", "/admin#audit", "/admin#health", "/admin#settings",
]  # fmt: skip
TABLES = {"users": "users", "audit": "audit", "health": "health-latencies", "settings": "values"}
"""A table of each part of the administrator's page."""


@cache
def _settings_of_the_camera() -> frozenset[str]:
    """Names and values as in the station file; they are the same in every language."""
    found: set[str] = set()
    for name, parameter in signature(camera_class("simulated")).parameters.items():
        value = parameter.default
        listed = list(value) if isinstance(value, tuple) else value
        found |= {name, ",".join(value) if isinstance(value, tuple) else str(value)}
        found |= {f"{name} = {listed}", json.dumps(listed, default=str)}
    return frozenset(found)


def _foreign(texts: list[str]) -> list[str]:
    return [
        text
        for text in texts
        if text not in _settings_of_the_camera()
        and set(re.findall(r"[A-Za-z]{3,}", DATA.sub(" ", text))) - NAMES - SAME
    ]


def test_what_counts_as_foreign_on_a_page() -> None:
    assert _foreign(["部品 123", "2026-11-22T07:55:06.123Z", "424a68ac", "line-1"]) == []
    assert _foreign(["Sign out", "状態 Ready"]) == ["Sign out", "状態 Ready"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["ja", "ko"])
def test_no_page_shows_english_to_who_chose_another_language(
    language: str, at_work: Any, open_page: Callable[..., Any]
) -> None:
    at_work.trigger(3, serial="S1")
    wrong: dict[str, list[str]] = {}
    open_page.allowed = LEFT  # as each page is left
    for place in PLACES:
        page = open_page(at_work, place, user="ada", language=language)
        page.wait_for_function("document.querySelectorAll('button, a').length > 3", timeout=30_000)
        if "#" in place:
            table = TABLES[place.partition("#")[2]]
            page.wait_for_selector(f"#{table} [role=gridcell]")
        found = _foreign(page.evaluate(GATHER))
        if found:
            wrong[place] = found
        page.context.close()
    assert wrong == {}


def test_a_bracket_that_is_not_closed_is_told() -> None:
    with pytest.raises(ValueError, match="line 1"):
        match(tokens("(a"), 0)
