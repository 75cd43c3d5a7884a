"""Station → Notifications in a real browser: a test mail by a real server, and what the station file says then."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.notifications.conftest import PASSWORD, MailServer, mail_server
from tests.ui.conftest import free_port, wait_for

__all__ = ["mail_server"]
pytestmark = pytest.mark.slow

PATH = "/engineer/station"
COMMENT = "# Whom we tell at night."


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any]) -> Iterator[Any]:
    found = make_station(top=COMMENT)
    yield found
    found.stop()


def fill(page: Any, field: str, value: str) -> None:
    page.fill(f"#notify-{field} input, #notify-{field} textarea", value)


def choose(page: Any, box: str, name: str) -> None:
    page.click(f"{box} input")
    page.click(f'[role=option]:visible >> text="{name}"')


def refused(page: Any, text: str) -> None:
    page.wait_for_selector(f"text={text}", timeout=60_000)
    page.click(".toast-close")
    page.wait_for_selector(".toast-close", state="detached")


def notify_of(station: Any) -> dict[str, Any]:
    return dict(tomllib.loads(station.station.read_text("utf-8")).get("notify", {}))


def test_a_test_mail_is_sent_and_the_way_is_written(
    station: Any,
    open_page: Any,
    mail_server: MailServer,
) -> None:
    secrets = station.folder / "secrets"
    secrets.mkdir()
    for file in (mail_server.ca_file, mail_server.password_file):
        shutil.copy(file, secrets)
    page = open_page(station, PATH, user="mia", wait="#camera-seed")
    page.click("[role=tab] >> text=Notifications")
    page.wait_for_selector("#notify-host:visible")
    fill(page, "host", "localhost")
    fill(page, "port", str(free_port()))
    for field in ("sender", "to"):
        fill(page, field, "quality@plant.example")
    fill(page, "user", "station")
    fill(page, "ca_file", "secrets/ca.pem")
    fill(page, "password_file", "parts.page/users.json")
    page.click("#notify-test")
    refused(page, "a file of the folder 'secrets' beside the station file is allowed")
    fill(page, "password_file", "secrets/mail.txt")
    page.click("#notify-test")
    refused(page, "Connection refused")
    fill(page, "port", str(mail_server.port))
    page.click("#notify-test")
    page.wait_for_function(
        "document.querySelector('#notify-answer textarea, #notify-answer input')?.value.startsWith('Sent')",
        timeout=60_000,
    )
    (mail,) = mail_server.inbox.mails
    assert mail["Subject"] == "line-1: TEST NOTIFICATION"
    assert "mia tried whether notifications arrive" in mail.get_content()
    assert notify_of(station) == {}
    page.click("#notify-keep")
    page.wait_for_selector("#notify-table >> text=host = localhost >> visible=true")
    page.wait_for_selector("#restart:visible")
    assert notify_of(station)["smtp"] == {
        "host": "localhost", "sender": "quality@plant.example", "to": "quality@plant.example", "port": mail_server.port,
        "user": "station", "password_file": "secrets/mail.txt", "ca_file": "secrets/ca.pem",
    }  # fmt: skip
    for told in ("Stream of parts unusual", "Disk nearly full"):
        page.click(f"#notify-events label:has-text('{told}')")
    choose(page, "#notify-language", "ja")
    page.fill("#notify-again input", "8")
    page.click("#notify-keep-rules")
    wait_for(lambda: "language" in notify_of(station), 30)
    found = notify_of(station)
    assert (found["language"], found["again_after_h"]) == ("ja", 8.0)
    assert set(found["events"]) == {
        "stopped", "ended", "camera_fault", "camera_lost", "too_slow", "not_judged", "record",
        "recipe", "recipe_changed", "output", "report",
    }  # fmt: skip
    assert found["smtp"]["host"] == "localhost"
    assert COMMENT in station.station.read_text("utf-8")
    page.click("#notify-remove")
    page.wait_for_selector("#notify-table >> text=host = localhost", state="detached")
    assert "smtp" not in notify_of(station)
    with station.record() as store:
        kinds = [each.kind for each in store.actions(limit=50) if "notifier" in each.kind]
        assert sorted(set(kinds)) == ["notifier_removed", "notifier_set", "notifier_tested"]
        assert PASSWORD not in str([each.detail for each in store.actions(limit=50)])


@pytest.mark.parametrize(
    ("language", "button"), [("ja", "テスト通知を送る"), ("ko", "시험 알림 보내기")]
)
def test_the_tab_speaks(station: Any, open_page: Any, language: str, button: str) -> None:
    page = open_page(station, PATH, user="mia", language=language, wait="[role=tab]")
    page.click("#tab-notify-button, [role=tab] >> nth=3")
    page.wait_for_selector("#notify-test:visible")
    assert page.inner_text("#notify-test").strip() == button
    assert page.locator("#notify-events label").count() == 15
