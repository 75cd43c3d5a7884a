"""The webhook against a real server: signature, retries, refusals, a server that is down."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspection.plant.outputs import Output, OutputError, OutputUnavailable, output_class

SECRET = b"open sesame"


@pytest.fixture
def webhook(hook: Any, plant: Any, tmp_path: Path) -> Iterator[Output]:
    kind = output_class("webhook")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    with kind(url=hook.url, secret_file=tmp_path / "secret", backoff_s=0.01) as output:
        output.open(plant)
        yield output


def test_signed_post_over_one_connection(webhook: Any, hook: Any, make: Any) -> None:
    for number in (1, 2, 3):
        webhook.send(make(number))
    headers, body = hook.posts[0]
    assert headers["Inspection-Delivery-Id"] == "part-1"
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    assert headers["Inspection-Signature"] == f"sha256={expected}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["regions"][0]["x_px"] == 1
    assert len(hook.posts) == 3
    assert len(hook.connections) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_passing_trouble_is_tried_again(webhook: Any, hook: Any, make: Any, code: int) -> None:
    hook.codes = [code, code]
    webhook.send(make(1))
    assert [headers["Inspection-Delivery-Id"] for headers, _ in hook.posts] == ["part-1"]


def test_after_the_retries_it_is_an_error_then_works_again(
    webhook: Any, hook: Any, make: Any
) -> None:
    hook.codes = [500] * 3
    with pytest.raises(OutputError) as caught:
        webhook.send(make(1))
    assert str(caught.value) == (
        f"output webhook: {hook.url} did not take part-1: HTTP 500 Internal Server Error"
    )
    assert hook.posts == []
    webhook.send(make(1))
    assert len(hook.posts) == 1


@pytest.mark.parametrize("code", [301, 400, 401, 404, 410])
def test_refusal_is_not_tried_again(webhook: Any, hook: Any, make: Any, code: int) -> None:
    hook.codes = [code, 500, 500]
    with pytest.raises(OutputError, match=f"HTTP {code} "):
        webhook.send(make(1))
    assert hook.codes == [500, 500]


def test_server_that_is_down(webhook: Any, hook: Any, make: Any) -> None:
    hook.stop()
    with pytest.raises(OutputError) as caught:
        webhook.send(make(1))
    assert "did not take part-1: Connect" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secret_is_never_in_a_message(plant: Any, tmp_path: Path) -> None:
    kind = output_class("webhook")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(OutputUnavailable, match="is empty"):
        kind(url="http://127.0.0.1", secret_file=tmp_path / "empty").open(plant)
    with pytest.raises(OutputUnavailable, match="url 'ftp://x' is no http"):
        kind(url="ftp://x").open(plant)
    assert SECRET.decode() not in repr(kind(url="http://x", secret_file=tmp_path / "secret"))


def test_who_signs_in_with_what_is_in_no_message(
    webhook: Any, hook: Any, make: Any, plant: Any
) -> None:
    kind = type(webhook)
    url = hook.url.replace("http://", "http://mia:s3cret@") + "?token=t0ken"
    hook.codes = [500]
    with kind(url=url, retries=0) as output:
        output.open(plant)
        with pytest.raises(OutputError) as caught:
            output.send(make(1))
    assert "s3cret" not in str(caught.value)
    assert "t0ken" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
