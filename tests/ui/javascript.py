"""Just enough of JavaScript to find its texts: tokens, calls, and where a string is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HOLE = "\0"
"""Stands for an expression within a template."""
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"\d[\w.]*")
_SIGN = re.compile(r"===|!==|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|\.\.\.|\+=|-=|\*=|/=|[^\s]")
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
_BEFORE_REGEX = frozenset(
    [*"(,=:[!&|?{};+", "=>", "&&", "||", "??", "===", "!==", "return", "case"]
)
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class Token:
    """`kind` is string, name, number, regex or sign; a template is a string with HOLEs."""

    kind: str
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """Give all tokens; those of expressions within a template follow the template."""
    found: list[Token] = []
    _read(source, 0, found, 1, until=None)
    return found


def _read(source: str, at: int, found: list[Token], line: int, *, until: str | None) -> int:
    depth = 0
    while at < len(source):
        letter = source[at]
        if letter.isspace():
            at += 1
        elif source.startswith("//", at):
            at = _or_end(source.find("\n", at), source)
        elif source.startswith("/*", at):
            at = source.index("*/", at) + 2
        elif letter in "\"'":
            end = _closing(source, at)
            found.append(Token("string", _plain(source[at + 1 : end]), _line(source, at)))
            at = end + 1
        elif letter == "`":
            at = _template(source, at, found)
        elif letter == "/" and _regex_may_begin(found) and (fit := _REGEX.match(source, at)):
            found.append(Token("regex", fit[0], _line(source, at)))
            at = fit.end()
        elif fit := _NAME.match(source, at):
            found.append(Token("name", fit[0], _line(source, at)))
            at = fit.end()
        elif fit := _NUMBER.match(source, at):
            found.append(Token("number", fit[0], _line(source, at)))
            at = fit.end()
        else:
            if letter == until and depth == 0:
                return at
            depth += (letter == "{") - (letter == "}") if until else 0
            sign = _SIGN.match(source, at)
            assert sign is not None
            found.append(Token("sign", sign[0], _line(source, at)))
            at = sign.end()
    return at


def _template(source: str, start: int, found: list[Token]) -> int:
    """Read `…${…}…`; the tokens of what is in the braces come after it, in parentheses."""
    text, inner, at = "", list[Token](), start + 1
    while source[at] != "`":
        if source.startswith("${", at):
            line = _line(source, at)
            inner.append(Token("name", "_", line))
            inner.append(Token("sign", "(", line))
            at = _read(source, at + 2, inner, line, until="}") + 1
            inner.append(Token("sign", ")", line))
            text += HOLE
        else:
            step = 2 if source[at] == "\\" else 1
            text += _plain(source[at : at + step])
            at += step
    found.append(Token("string", text, _line(source, start)))
    found += inner
    return at + 1


def _closing(source: str, start: int) -> int:
    at = start + 1
    while source[at] != source[start]:
        at += 2 if source[at] == "\\" else 1
    return at


def _plain(text: str) -> str:
    text = re.sub(r"\\u\{?([0-9a-fA-F]{4,6})\}?", lambda fit: chr(int(fit[1], 16)), text)
    return re.sub(r"\\(.)", lambda fit: {"n": "\n", "t": "\t"}.get(fit[1], fit[1]), text)


def _regex_may_begin(found: list[Token]) -> bool:
    return not found or (found[-1].text in _BEFORE_REGEX and found[-1].kind != "string")


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


def _or_end(at: int, source: str) -> int:
    return len(source) if at < 0 else at


def match(found: list[Token], start: int) -> int:
    """Give the place of the bracket that closes the one at `start`."""
    depth = 0
    for place in range(start, len(found)):
        if found[place].kind == "sign":
            depth += (found[place].text in _OPEN) - (found[place].text in _CLOSE)
        if depth == 0:
            return place
    raise ValueError(f"line {found[start].line}: {found[start].text} is not closed")


def arguments(found: list[Token], start: int) -> list[tuple[int, int]]:
    """Give where each argument of the call that opens at `start` begins and ends."""
    end, place, begin, parts = match(found, start), start + 1, start + 1, list[tuple[int, int]]()
    while place < end:
        if found[place].kind == "sign" and found[place].text in _OPEN:
            place = match(found, place)
        elif found[place].kind == "sign" and found[place].text == ",":
            parts.append((begin, place))
            begin = place + 1
        place += 1
    return [*parts, (begin, end)] if begin < end else parts


def shown(found: list[Token], start: int, end: int) -> Iterator[Token]:
    """Give the strings an expression may give.

    None within calls, places in brackets, comparisons, or a list something is done with, such as
    [\"when\", \"who\"].map(…): what is made of it is looked at where it is made.
    """
    place = start
    while place < end:
        token, before = found[place], found[place - 1] if place > start else None
        if token.kind == "sign" and token.text in _OPEN:
            is_call = before is not None and (
                (before.kind == "name" and before.text not in ("return", "of", "in"))
                or before.text in (")", "]", "?.")
            )
            last = match(found, place)
            goes_on = last + 1 < end and found[last + 1].text in (".", "?.")
            if (token.text in "([" and is_call) or token.text == "{" or goes_on:
                place = last + 1
                continue
        after = found[place + 1] if place + 1 < end else None
        if token.kind == "string" and not _compared(before) and not _compared(after):
            yield token
        place += 1


def _compared(token: Token | None) -> bool:
    return token is not None and token.text in ("===", "!==", "==", "!=", "in", "case")


def statement_end(found: list[Token], start: int) -> int:
    """Give where an expression that begins at `start` ends."""
    place = start
    while place < len(found):
        token = found[place]
        if token.kind == "sign" and token.text in _OPEN:
            place = match(found, place)
        elif token.kind == "sign" and (token.text in ";," or token.text in _CLOSE):
            return place
        place += 1
    return place
