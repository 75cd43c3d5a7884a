"""HTML made by Python: whatever a text holds, it stays a text."""

from __future__ import annotations

from ui.core.html import pieces, tag

EVIL = "<img src=x onerror=\"alert('&')\">${alert(1)}"


def test_texts_and_attributes_are_escaped_and_pieces_are_not_twice() -> None:
    inside = tag("b", EVIL)
    whole = tag("div", inside, EVIL, None, cls="a", data_n="1", title=EVIL, hidden=True, id=False)
    safe = "&lt;img src=x onerror=&quot;alert(&#x27;&amp;&#x27;)&quot;&gt;${alert(1)}"
    assert inside == f"<b>{safe}</b>"
    assert whole == (
        f'<div class="a" data-n="1" title="{safe}" hidden=""><b>{safe}</b>{safe}</div>'
    )
    assert pieces(inside, EVIL) == inside + safe
