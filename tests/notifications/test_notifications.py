"""What a station tells people by itself: by a real mail server and a real web server, by the real station."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import SetupError
from inspection.launch import station_at_work
from inspection.local_api.commands import status
from inspection.notifications import Notifications, watch
from inspection.notifications.ledger import Ledger, read_ledger
from inspection.notifications.watch import notice_of
from inspection.plant.notices import Notice, NoticeError, notifier_class
from inspection.station.alarms import RECORD
from inspection.station.notify_settings import ALL
from inspection.station.station_file import read_station
from inspection.station.troubles import Trouble, troubles
from inspection.words import Words
from tests.notifications.conftest import PASSWORD, MailServer, WebServer
from tests.ui.conftest import REPOSITORY, STATION, free_port, station_folder, wait_for

NOW = datetime(2026, 3, 5, 6, 7, 8, tzinfo=UTC)
WELL: dict[str, Any] = {
    "camera_states": {"top": "ACQUIRING", "side": "READY"}, "error_code": 0, "error": "", "recipes_changed": [],
    "without_recipe": [],
    "product": "flange", "paused": False, "outputs": {}, "outbox": {}, "disk": {"free_gb": 100.0}, "stream": None,
    "beside": {"report": "", "notify": ""},
    "not_judged": {"of": 100, "reasons": [{"code": "late", "n": 5, "last": "late"}]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and tries again sooner than a plant wants."""
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(watch, "FIRST_WAIT_S", 0.1)


def notice(**other: Any) -> Notice:
    texts = {
        "event": "output",
        "station": "line-1",
        "title": "line-1: OUTPUT SILENT: plc",
        "text": "Look.",
    }
    return Notice(**{"notice_id": "n1", "at": NOW, **texts, **other})  # fmt: skip


def rules(notify: str = "", **tables: dict[str, Any]) -> str:
    """`[notify]` with its tables, as TOML."""
    text = f"\n[notify]\n{notify}\n"
    for name, table in tables.items():
        text += f"[notify.{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in table.items())
    return text


def station_of(folder: Path, line: Any, rest: str) -> Any:
    text = STATION.format(top="", view="", rest=rest)
    return read_station(station_folder(folder, line, text) / "station.toml")


# The list of troubles


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"camera_states": {"top": "LOST"}}, [("camera_lost", {"names": "top"}, "")]),
        (
            {"camera_states": {"top": "FAULT", "side": "LOST"}, "error_code": 1, "error": "gone"},
            [("camera_fault", {"names": "top, side"}, "gone")],
        ),
        ({"error_code": RECORD, "error": "full"}, [("record", {}, "full")]),
        ({"without_recipe": ["other"]}, []),
        ({"without_recipe": ["flange"]}, [("no_recipe", {"names": "flange"}, "")]),
        (
            {"recipes_changed": [{"product": "a", "withheld": False}]},
            [("recipe_changed", {"names": "a"}, "")],
        ),
        (
            {"recipes_changed": [{"product": "flange", "withheld": True}], "paused": True},
            [("recipe", {"names": "flange"}, ""), ("paused", {}, "")],
        ),
        (
            {"outputs": {"plc": "no answer"}, "outbox": {"plc": 3, "csv": 2}},
            [("output", {"names": "plc", "n": 5}, "no answer")],
        ),
        ({"disk": {"free_gb": 4.9}}, [("disk", {"free": 4.9, "least": 5.0}, "")]),
        ({"disk": {"free_gb": 9, "floor_gb": 10}}, [("disk", {"free": 9, "least": 10}, "")]),
        ({"stream": {"raised": ["cusum: score"]}}, [("stream", {}, "cusum: score")]),
        (
            {
                "not_judged": {
                    "of": 40,
                    "reasons": [
                        {"code": "too_dark", "n": 9, "last": "too dark"},
                        {"code": "late", "n": 2, "last": "late: 3"},
                        {"code": "busy", "n": 1, "last": "busy: 9"},
                    ],
                }
            },
            [
                ("too_slow", {"n": 3, "of": 40}, "late: 3"),
                ("not_judged", {"n": 9, "of": 40}, "too dark"),
            ],
        ),
        ({"not_judged": {"of": 19, "reasons": [{"code": "late", "n": 19, "last": "late"}]}}, []),
        ({"beside": {"report": "no room"}}, [("report", {}, "no room")]),
    ],
)
def test_the_one_list_names_what_is_wrong(changed: dict[str, Any], expected: list[Any]) -> None:
    found = troubles(WELL | changed)
    assert [(each.name, each.values, each.detail) for each in found] == expected
    for each in found:
        for language in ("en", "ja", "ko"):
            assert each.detail in notice_of(each, "line-1", language, NOW).text


def test_every_event_has_its_words() -> None:
    keys = Words().keys
    assert {f"troubles.{name}" for name in ALL} <= keys
    assert {f"troubles.act_{name}" for name in ALL} <= keys


# Mail


def test_a_mail_goes_over_tls_with_a_password_to_everybody(mail_server: MailServer) -> None:
    trouble = Trouble(name="disk", values={"free": 1.26, "least": 5.0}, detail="mqtt://u:pw@host")
    sent = notice_of(trouble, "line\n1", "ja", NOW)
    notifier_class("smtp")(**paths(mail_server.table())).send(sent)
    (mail,) = mail_server.inbox.mails
    assert mail["To"] == "quality@plant.example, night@plant.example"
    assert mail["From"] == "line-1@plant.example"
    assert mail["Subject"] == "line 1: ディスク残りわずか：空き 1.3 GB"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "5.0 GB を下回りました" in text
    assert "mqtt://••••••@host" in text


def paths(table: dict[str, Any]) -> dict[str, Any]:
    return {k: Path(v) if k.endswith("_file") else v for k, v in table.items()}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"to": "nobody"}, r"notify\.smtp\.to 'nobody': one address"),
        ({"user": ""}, r"notify\.smtp: localhost:\d+: .*530"),
        ({"tls": "none"}, r"notify\.smtp: localhost:\d+: "),
        (
            {"tls": "none", "host": "mail.example"},
            "would send the password of station in the clear",
        ),
        ({"password_file": "/nowhere/at/all"}, "notify.smtp.password_file /nowhere/at/all: cannot"),
        ({"ca_file": None}, "certificate verify failed"),
    ],
)
def test_a_mail_that_cannot_go_says_why(
    mail_server: MailServer, changed: dict[str, Any], message: str
) -> None:
    table = {k: v for k, v in mail_server.table(**changed).items() if v is not None}
    with pytest.raises(NoticeError, match=message) as error:
        notifier_class("smtp")(**paths(table)).send(notice())
    assert PASSWORD not in str(error.value)
    assert mail_server.inbox.mails == []


def test_a_password_a_server_repeats_is_covered(mail_server: MailServer) -> None:
    mail_server.password_file.write_text("wrong-and-secret")
    with pytest.raises(NoticeError, match="535 no: ••••••") as error:
        notifier_class("smtp")(**paths(mail_server.table())).send(notice())
    assert error.value.__cause__ is None
    assert "wrong-and-secret" not in str(error.value)


# Webhook


def test_a_webhook_is_posted_and_signed(web_server: WebServer, tmp_path: Path) -> None:
    (tmp_path / "url.txt").write_text(web_server.url + "\n")
    (tmp_path / "key.txt").write_text("k")
    files = {"url_file": tmp_path / "url.txt", "secret_file": tmp_path / "key.txt"}
    notifier_class("webhook")(**files).send(notice())
    (body,) = web_server.bodies
    assert body["text"] == "line-1: OUTPUT SILENT: plc\nLook."
    assert (body["event"], body["at"]) == ("output", "2026-03-05T06:07:08+00:00")
    signed = hmac.new(b"k", web_server.raw[0], hashlib.sha256).hexdigest()
    assert web_server.headers[0]["Inspection-Signature"] == f"sha256={signed}"
    web_server.status = 503
    with pytest.raises(NoticeError, match=r"127\.0\.0\.1: HTTP 503") as error:
        notifier_class("webhook")(**files).send(notice())
    assert "secret-path" not in str(error.value)
    with pytest.raises(NoticeError, match="ConnectError") as error:
        notifier_class("webhook")(url=f"http://127.0.0.1:{free_port()}/secret-path").send(notice())
    assert "secret-path" not in str(error.value)
    with pytest.raises(NoticeError, match="no http"):
        notifier_class("webhook")(url="file:///etc/passwd").send(notice())


# How often, and what a restart knows


def test_an_event_is_told_once_an_hour_whatever_restarts(tmp_path: Path) -> None:
    ledger, hour = Ledger(tmp_path), timedelta(hours=1)
    assert not ledger.begin(["smtp"])
    assert ledger.due("output", NOW, hour)
    ledger.put(notice())
    assert not ledger.due("output", NOW + timedelta(minutes=59), hour)
    assert ledger.due("camera_lost", NOW, hour)
    again = Ledger(tmp_path)
    assert again.begin(["smtp", "webhook"])  # nobody said that the first ended
    assert not again.due("output", NOW + timedelta(minutes=59), hour)
    assert again.due("output", NOW + hour, hour)
    assert again.due("output", NOW - timedelta(days=1), hour)  # the clock was ahead
    assert again.first("smtp") == notice()
    assert again.first("webhook") is None
    again.done("smtp", notice())
    again.end()
    last = Ledger(tmp_path)
    assert not last.begin(["smtp"])
    assert last.first("smtp") is None


def test_no_more_wait_than_fifty_and_a_damaged_file_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(["smtp"])
    for number in range(60):
        ledger.put(notice(notice_id=str(number)))
    first = ledger.first("smtp")
    assert first is not None
    assert first.notice_id == "10"
    assert ledger.path.stat().st_mode & 0o077 == 0
    for text in ("{", "[]", '{"waiting": {"smtp": [{"at": 5}]}, "told": {}}'):
        ledger.path.write_text(text)
        with caplog.at_level(logging.WARNING):
            assert read_ledger(ledger.path) == {}
        assert "damaged" in caplog.text
    assert not Ledger(tmp_path).begin(["smtp"])


# A station at work


def test_a_silent_output_is_told_once_and_the_station_goes_on(
    line: Any, tmp_path: Path, mail_server: MailServer, web_server: WebServer
) -> None:
    output = (
        f'[outputs.webhook]\nurl = "http://127.0.0.1:{free_port()}/x?token=hidden"\nretries = 0\n'
    )
    rest = output + rules(smtp=mail_server.table(), webhook={"url": web_server.url})
    settings = station_of(tmp_path, line, rest)
    mail_server.inbox.refusing = True
    with station_at_work(settings) as station:
        assert troubles(status(station)) == []
        trigger(station)
        wait_for(lambda: web_server.bodies, 20)
        wait_for(lambda: station.snapshot()["beside"]["notify"], 20)
        trigger(station)  # nothing waits for a mail server
        text = station.snapshot()["beside"]["notify"]
        assert "451 try again later" in text
        mail_server.inbox.refusing = False
        wait_for(lambda: mail_server.inbox.mails, 20)
        wait_for(lambda: not station.snapshot()["beside"]["notify"], 20)
    (body,), (mail,) = web_server.bodies, mail_server.inbox.mails
    assert body["event"] == "output"
    assert mail["Subject"] == body["title"] == "line-1: OUTPUT SILENT: webhook"
    assert "hidden" not in body["text"] + mail.get_content()
    assert read_ledger(settings.page_folder / "notify.json")["at_work"] is False


def test_a_report_that_fails_is_told_and_shown(
    line: Any, tmp_path: Path, web_server: WebServer
) -> None:
    rest = '[report]\nat = ["06:00"]\n' + rules(webhook={"url": web_server.url})
    settings = station_of(tmp_path, line, rest)
    settings.page_folder.mkdir(exist_ok=True)
    (settings.page_folder / "reports.json").write_text("{}")
    with station_at_work(settings) as station:
        wait_for(lambda: web_server.bodies, 20)
        shown = status(station)["troubles"]
        assert station.state == "Ready"
        assert station.error_code == 0  # to a PLC it is no fault
    assert [each["event"] for each in web_server.bodies] == ["report"]
    assert "reports.json: damaged" in web_server.bodies[0]["text"]
    assert [(each["name"], "damaged" in each["detail"]) for each in shown] == [("report", True)]


def test_only_what_is_asked_for_is_told(line: Any, tmp_path: Path, web_server: WebServer) -> None:
    rest = rules('events = ["paused"]\nlanguage = "ko"', webhook={"url": web_server.url})
    settings = station_of(tmp_path, line, rest)
    station_file = replace(settings, report=None)
    with station_at_work(station_file) as station:
        station.beside = {"report": lambda: "something"}
        station.pause(paused=True, who="mia")
        wait_for(lambda: web_server.bodies, 20)
    assert [each["title"] for each in web_server.bodies] == ["line-1: 일시정지 중"]


def test_a_station_that_stops_by_a_fault_says_so(
    line: Any, tmp_path: Path, web_server: WebServer
) -> None:
    settings = station_of(tmp_path, line, rules(webhook={"url": web_server.url}))

    def fail() -> None:
        with Notifications(settings):
            raise SetupError("record parts.db: no room")

    with pytest.raises(SetupError):
        fail()
    assert [each["event"] for each in web_server.bodies] == ["stopped"]
    assert "record parts.db: no room" in web_server.bodies[0]["text"]
    with pytest.raises(SetupError):
        fail()  # a station that is started again and again writes one an hour
    assert len(web_server.bodies) == 1


def test_a_killed_station_is_told_of_at_the_next_start(
    line: Any, tmp_path: Path, web_server: WebServer
) -> None:
    settings = station_of(tmp_path, line, rules(webhook={"url": web_server.url}))
    process = subprocess.Popen(
        [sys.executable, "-c", "from inspection.cli import main; main()", "run", str(tmp_path / "station.toml")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for((settings.page_folder / "notify.json").exists, 60, process=process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with station_at_work(settings):
        wait_for(lambda: web_server.bodies, 20)
    assert [each["event"] for each in web_server.bodies] == ["ended"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('events = ["drift"]', r"notify\.events"),
        ("again_after_h = 0", r"notify\.again_after_h"),
        ('[notify.smtp]\nhost = "h"\nsender = "a@b"', r"notify\.smtp\.to"),
        (
            '[notify.smtp]\nhost = "h"\nsender = "a@b"\nto = "c@d"\ntls = "ssl"',
            r"notify\.smtp\.tls",
        ),
        ('[notify.webhook]\nurll = "x"', r"notify\.webhook\.urll: unknown key"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(
    line: Any, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SetupError, match=message):
        station_of(tmp_path, line, f"[notify]\n{text}\n")


def trigger(station: Any) -> None:
    from inspection.plant.messages import TriggerRequest

    before = station.snapshot()["answers"]
    assert station.trigger(TriggerRequest(source="test"))
    wait_for(lambda: station.snapshot()["answers"] > before, 20)
