"""An explanation in words, of a language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from inspection.judgement import Judgement
from inspection.judging.explain import Attention, Explained, Place
from inspection.reasons import written_apart
from inspection.recipe import Recipe
from inspection.words import Words


@cache
def _catalogue() -> Words:
    return Words()


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Says in a language what explains the parts of a recipe with so many scales."""

    language: str = "en"
    scales: int

    def say(self, key: str, **values: object) -> str:
        """A text of the catalogue."""
        return _catalogue().say(key, self.language, **values)

    def verdict(self, judged: Judgement) -> str:
        """The verdict's name."""
        return _catalogue().say(f"report.verdict_{judged.verdict}", self.language)

    def reason(self, judged: Judgement) -> str:
        """The reason as one sentence."""
        cause = judged.cause
        return _catalogue().say(
            f"reasons.{cause.key}", self.language, **written_apart(cause.values)
        )

    def sentence(self, each: Explained) -> str:
        """What a place is like."""
        place, near = self.place(each.patch), each.nearest
        if near is None:
            return self.say("explain.least_usual", place=place)
        there = self.place(near.place)
        return self.say(
            "explain.least_like", count=near.of, picture=near.picture, there=there, place=place
        )

    def spoke(self, each: Explained) -> str:
        """Which scale spoke, and what drove the score."""
        return self.say(
            "explain.spoke", scale=self.scale(each.scale), measure=self.measure(each.measure)
        )

    def no_pairs(self, recipe: Recipe) -> str:
        """Why there are no pairs."""
        return self.say("explain.no_pairs", model=recipe.settings.model["name"])

    def looks(self, each: Attention) -> str:
        """Where the network looks at a scale."""
        return self.say(
            "explain.attention",
            scale=self.scale(each.scale),
            place=self.place(each.most),
            share=f"{each.shares.max():.1%}",
            even=f"{each.shares.mean():.1%}",
        )

    def place(self, place: Place) -> str:
        """Where in a picture."""
        row, _, column = place.words.partition(" ")
        return self.say(f"explain.at_{row}_{column or 'centre'}")

    def measure(self, name: str) -> str:
        """A measure of `models.shares`."""
        kind, _, number = name.partition("_")
        if kind == "whole":
            return self.say("explain.measure_whole")
        scale = int(number)
        of = "speck" if kind == "speck" else "within" if scale else "patch"
        return self.say(f"explain.measure_{of}", scale=self.scale(scale))

    def scale(self, scale: int) -> str:
        """A scale, counted from the coarsest."""
        if self.scales == 1:
            return self.say("explain.scale_only")
        if 0 < scale < self.scales - 1:
            return self.say("explain.scale_between", number=scale + 1)
        return self.say("explain.scale_fine" if scale else "explain.scale_coarse")
