"""Reads the manual's Markdown: one page as HTML, and where words are found in all of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

FIRST = "index"
IN_SOURCE = Path(__file__).parents[3] / "docs"
INSTALLED = Path(sys.prefix) / "share" / "inspection" / "docs"
DOCS = IN_SOURCE if (IN_SOURCE / f"{FIRST}.md").is_file() else INSTALLED
MOST = 40
"""So many places are listed for what was looked for."""
AROUND = 80
NAME = re.compile(r"(?:decisions/)?[\w-]+")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a page, its place there, and the text below it."""

    page: str
    title: str
    heading: str
    place: str
    text: str


class Manual:
    """The Markdown files of a folder; none of them is there where the program came without its manual."""

    def __init__(self, folder: Path = DOCS) -> None:
        self.folder = folder
        # What is HTML in a file is shown as text: a page holds nothing but what Markdown makes.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    @property
    def there(self) -> bool:
        """Whether there is a manual."""
        return (self.folder / f"{FIRST}.md").is_file()

    def html(self, name: str) -> str | None:
        """A page as HTML, its links and pictures led to this page; None if there is none of this name."""
        file = self.folder / f"{name}.md"
        if not NAME.fullmatch(name) or not file.is_file():
            return None
        tokens = self._markdown.parse(file.read_text("utf-8"))
        for token, heading in zip(tokens, [*tokens[1:], None], strict=True):
            if token.type == "heading_open" and heading is not None:
                token.attrSet("id", place_of(heading.content))
            self._lead(token.children or [], name)
        return str(self._markdown.renderer.render(tokens, self._markdown.options, {}))

    def _lead(self, tokens: Sequence[Token], name: str) -> None:
        """Lead links to other pages, and pictures, to where the station has them; no others stay links."""
        within = True
        for token in tokens:
            if token.type == "image":
                file = str(token.attrGet("src") or "").rpartition("/")[2]
                token.attrSet("src", f"/manual/images/{file}")
            elif token.type == "link_open":
                href = str(token.attrGet("href") or "")
                target = href if href.startswith(("#", "https://")) else self._target(href, name)
                within = target is not None
                if target is not None:
                    token.attrSet("href", target)
                else:
                    token.tag, token.attrs = "span", {}
            elif token.type == "link_close" and not within:
                token.tag = "span"

    def _target(self, href: str, name: str) -> str | None:
        path, hashed, place = href.partition("#")
        file = (self.folder / name).parent / path
        try:
            page = file.resolve().relative_to(self.folder.resolve()).with_suffix("").as_posix()
        except ValueError:  # outside the manual
            return None
        there = file.suffix == ".md" and file.is_file()
        return f"/manual/{page}{hashed}{place}" if there else None

    def title(self, name: str) -> str:
        """The first heading of a page."""
        return next((each.title for each in self.sections if each.page == name), name)

    def find(self, asked: str) -> list[Section]:
        """The sections that hold every word asked for, those with it in their heading first."""
        words = asked.casefold().split()
        if not words:
            return []
        found = [
            each
            for each in self.sections
            if all(word in f"{each.heading} {each.text}".casefold() for word in words)
        ]
        found.sort(key=lambda each: not any(word in each.heading.casefold() for word in words))
        return found[:MOST]

    @cached_property
    def sections(self) -> Sequence[Section]:
        """Every section of every page."""
        return [
            section
            for file in sorted(self.folder.glob("*.md"))
            for section in _sections(file.stem, file.read_text("utf-8"))
        ]


def place_of(heading: str) -> str:
    """The name of a heading in an address, as the links of the manual have it."""
    return re.sub(r"[^\w\- ]", "", heading.casefold()).strip().replace(" ", "-")


def excerpt(section: Section, asked: str) -> str:
    """The text around the first of the words."""
    text = " ".join(re.sub(r"[`|*]|-{3,}", " ", section.text).split())
    places = [text.casefold().find(word) for word in asked.casefold().split()]
    first = min((place for place in places if place >= 0), default=0)
    begin = max(0, first - AROUND)
    return f"{'…' if begin else ''}{text[begin : first + 2 * AROUND]}…"


def _sections(page: str, text: str) -> Iterator[Section]:
    title, heading, lines = page, "", list[str]()
    for line in [*text.splitlines(), "# "]:
        found = re.fullmatch(r"#{1,4} (.*)", line)
        if found is None:
            lines.append(line)
            continue
        if heading:
            yield Section(page, title, heading, place_of(heading), "\n".join(lines))
        elif found[1]:
            title = found[1]
        heading, lines = found[1].replace("`", ""), []
