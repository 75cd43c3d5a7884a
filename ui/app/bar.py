"""The line at the top of the workbench, as HTML: the pages a person may open, help, theme, language, who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ui.core.html import Html, tag
from ui.core.wording import Wording
from ui.security.plain_pages import LANGUAGES
from ui.security.users import Role, User

SIGNS = {"auto": "◐", "light": "☀", "dark": "☾"}
"""Each theme; a click goes on to the next."""


def bar_of(user: User, links: Iterable[Mapping[str, str]], theme: str, wording: Wording) -> Html:
    """All of it; the script marks the page it is on, and leads back there."""
    help_ = wording.say("base.help")
    return tag(
        "nav",
        *(
            tag("a", wording.say(each["label"]), href=each["path"], data_page=each["name"])
            for each in links
        ),
        tag("span", cls="space"),
        tag("button", "?", cls="help", title=help_, aria_label=help_),
        _theme(theme, wording),
        _languages(wording.language),
        _who(user, wording),
        cls="bar",
    )


def _theme(theme: str, wording: Wording) -> Html:
    says, names = wording.say(f"base.theme_{theme}"), list(SIGNS)
    following = names[(names.index(theme) + 1) % len(names)]
    return tag(
        "button", SIGNS[theme], cls="theme", data_theme=theme, data_next=following, title=says,
        aria_label=says,
    )  # fmt: skip


def _languages(chosen: str) -> Html:
    buttons = (
        tag("button", name, name="language", value=code, cls="here" if code == chosen else "")
        for code, name in LANGUAGES.items()
    )
    back = tag("input", type="hidden", name="next")
    return tag("form", back, *buttons, method="post", action="/language", cls="languages")


def _who(user: User, wording: Wording) -> Html:
    if user.role is Role.OPERATOR and user.name == "operator":
        return tag("a", wording.say("base.sign_in"), href="/login")
    return tag(
        "form",
        tag("a", user.name, href="/account"),
        tag("button", wording.say("base.sign_out")),
        method="post",
        action="/logout",
        cls="who",
    )
