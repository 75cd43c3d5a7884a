"""The line at the top of the workbench."""

from __future__ import annotations

from ui.app.bar import bar_of
from ui.core.wording import Wording
from ui.security.users import Role, User
from ui.words import Words

LINKS = [{"name": "review", "path": "/engineer/review", "label": "review.page"}]


def test_the_bar_names_pages_languages_theme_and_the_person() -> None:
    html = bar_of(User("<mia>", Role.ENGINEER), LINKS, "light", Wording(Words(), "ja"))
    assert '<a href="/engineer/review" data-page="review">確認</a>' in html
    assert 'class="theme" data-theme="light" data-next="dark"' in html
    assert '<button name="language" value="ja" class="here">日本語</button>' in html
    assert '<a href="/account">&lt;mia&gt;</a>' in html
    assert 'action="/logout"' in html


def test_who_has_not_signed_in_may() -> None:
    html = bar_of(User("operator", Role.OPERATOR), [], "dark", Wording(Words(), "en"))
    assert '<a href="/login">Sign in</a>' in html
    assert 'data-next="auto"' in html
    assert "/logout" not in html
