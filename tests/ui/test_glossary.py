"""One word for one thing: the pages agree with docs/words.md in every language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ui.words import LANGUAGES, Words

GLOSSARY = Path(__file__).parents[2] / "docs" / "words.md"


@dataclass(frozen=True)
class Term:
    """A thing: its word in each language, and words that are never said for it."""

    words: dict[str, str]
    never: tuple[str, ...]

    @property
    def english(self) -> re.Pattern[str]:
        """The word in a text, alone or as several."""
        word = self.words["en"].removesuffix("s")
        return re.compile(rf"\b{word}s?\b", re.IGNORECASE)


@cache
def terms() -> list[Term]:
    rows = re.findall(r"^\| (.+) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)[1:]
    found = []
    for row in rows:
        *words, _meaning, never = (cell.strip() for cell in row.split("|"))
        others = tuple(word.strip() for word in never.split(",") if word.strip())
        found.append(Term(dict(zip(LANGUAGES, words, strict=True)), others))
    return found


@cache
def texts() -> dict[str, dict[str, str]]:
    words = Words()
    said = {language: words.of(language) for language in LANGUAGES}
    return {key: {each: said[each][key] for each in LANGUAGES} for key in said["en"]}


def test_each_word_is_of_one_thing() -> None:
    assert len(terms()) > 20
    for language in LANGUAGES:
        words = [term.words[language] for term in terms()]
        assert len(set(words)) == len(words), language
        assert all(words)


@pytest.mark.parametrize("term", terms(), ids=lambda term: term.words["en"])
def test_a_text_that_is_only_the_word_holds_the_word_of_the_glossary(term: Term) -> None:
    wrong = {
        key: text
        for key, text in texts().items()
        if term.english.fullmatch(text["en"])
        and any(term.words[language] not in text[language] for language in ("ja", "ko"))
    }
    assert wrong == {}


@pytest.mark.parametrize("term", terms(), ids=lambda term: term.words["en"])
def test_no_other_word_is_said_for_it(term: Term) -> None:
    wrong = {
        key: text
        for key, text in texts().items()
        if term.english.search(text["en"])
        and any(word in text[language] for word in term.never for language in ("ja", "ko"))
    }
    assert wrong == {}


def test_every_word_is_said_on_a_page() -> None:
    said = {
        language: "\n".join(text[language] for text in texts().values()) for language in LANGUAGES
    }
    silent = [
        (language, term.words[language])
        for term in terms()
        for language in LANGUAGES
        if term.words[language].casefold() not in said[language].casefold()
    ]
    assert silent == []


def test_a_zone_is_not_called_a_region() -> None:
    zone, region = (
        next(each for each in terms() if each.words["en"] == name) for name in ("zone", "region")
    )
    wrong = {
        key: text
        for key, text in texts().items()
        if zone.english.search(text["en"])
        and not re.search(r"region|area", text["en"], re.IGNORECASE)
        and any(region.words[language] in text[language] for language in ("ja", "ko"))
    }
    assert wrong == {}


def test_a_limit_is_called_so_in_every_text() -> None:
    other = re.compile(r"threshold|しきい値|閾値|임계값", re.IGNORECASE)
    wrong = {
        key: found
        for key, text in texts().items()
        if (
            found := [
                said for said in text.values() if other.search(re.sub(r"\{[^}]*\}", "", said))
            ]
        )
    }
    assert wrong == {}
