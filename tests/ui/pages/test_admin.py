"""What the administrator's page does, with a real record: its handlers, and its downloads behind the real gate."""

from __future__ import annotations

import asyncio
import csv
import inspect
import io
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import psutil
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from cameras import Frame
from inspection.jobs import VERIFY
from inspection.jobs.kinds import KINDS
from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.station.station_file import read_station
from inspection.store import NewPart, Store, open_store
from inspection.store.event_kinds import RECORD_KINDS
from inspection.store.reading.audit_log import Cursor, all_deeds, deeds
from ui.core import errors as refuse
from ui.core.audit import FIELDS, explain
from ui.core.background import start_verification
from ui.core.context import Context
from ui.core.panel import asker
from ui.live.hub import Hub
from ui.live.station_client import StationClient
from ui.pages.account import routes as account
from ui.pages.admin import routes as admin
from ui.pages.admin.audit_log import audit_page, choices, verification, verify
from ui.pages.admin.audit_tab import AuditHandlers
from ui.pages.admin.backup_tab import BackupHandlers
from ui.pages.admin.health import MachineFacts, Processes, examination, examine
from ui.pages.admin.health_tab import HealthHandlers
from ui.pages.admin.settings import station_settings
from ui.pages.admin.settings_tab import SettingsHandlers
from ui.pages.admin.users import UserAdministration
from ui.pages.admin.users_tab import UserHandlers
from ui.pages.reports.verify_tab import told as told_to_engineers
from ui.security import login
from ui.security.first_code import FirstCode
from ui.security.gate import AccessMiddleware
from ui.security.sessions import Session, Sessions
from ui.security.users import Role, User, Users, UsersError
from ui.words import Words

PASSWORD = "correct horse battery"
PEOPLE = {"ada": "administrator", "mia": "engineer", "oli": "operator"}
URL = "http://127.0.0.1"
STATION = """
station = "line-1"
record = "parts.db"
# password = "an old one"
[[views]]
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
[outputs.webhook]
url = "http://mia:geheim@127.0.0.1:9/hook?token=abc123"
secret_file = "secret.txt"
[retention]
rejects_days = 90
"""


class Writing(StationClient):
    """The station's part in this: it writes actions into the record."""

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder)
        self.store, self.gone = store, False

    async def do(self, verb: str, **what: Any) -> dict[str, Any]:
        if self.gone:  # ask the real one: there is no runtime.json here
            return await super().do(verb, **what)
        assert verb == "action"
        return {
            "number": self.store.add_action(what["kind"], what["who"], detail=what["detail"]).number
        }


@dataclass
class Desk:
    context: Context
    store: Store
    runtime: Writing
    app: Any

    def client(self, user: str | None = None, language: str = "en") -> TestClient:
        client = TestClient(self.app, base_url=URL, client=("127.0.0.1", 5000))
        client.headers["Origin"] = URL
        client.cookies.set("language", language)
        if user is not None:
            form = {"name": user, "password": PASSWORD, "next": "/"}
            assert client.post("/login", data=form, follow_redirects=False).status_code == 303
        return client

    def request(
        self, user: str | None, language: str = "en", session: Session | None = None
    ) -> Request:
        """What the gate lets through of a person: user, language and session are in its scope."""
        person = User(user, Role(PEOPLE[user])) if user else None
        about = {"user": person, "language": language, "session": session}
        return Request({"type": "http", "headers": [], **about})

    def event(self, user: str | None, language: str = "en") -> gr.Request:
        """What a handler hears of a person's click."""
        return gr.Request(self.request(user, language))

    def session(self, client: TestClient) -> Session | None:
        """The session of whoever signed in so."""
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return self.context.sessions.read(cookies)

    def kinds(self) -> list[str]:
        return [action.kind for action in reversed(self.store.actions(limit=1000))]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "station.toml"
    path.write_text(STATION, encoding="utf-8")
    settings = read_station(path)
    folder = settings.page_folder
    users = Users(folder / "users.json", hasher=PasswordHasher(1, 8, 1))
    for name, role in PEOPLE.items():
        users.add(name, PASSWORD, Role(role))
    with (
        open_store(settings.record) as store,
        open_store(settings.record, read_only=True) as reading,
    ):
        runtime = Writing(folder, store)
        context = Context(
            station_path=path, settings=settings, store=reading, runtime=runtime,
            hub=Hub(settings, reading, runtime), users=users,
            sessions=Sessions(folder / "secret", users), words=Words(),
        )  # fmt: skip
        yield Desk(context, store, runtime, _app(context))


def _app(context: Context) -> Any:
    async def audit(kind: str, who: str, detail: dict[str, Any]) -> None:
        await context.runtime.do("action", kind=kind, who=who, detail=detail)

    inner = FastAPI()
    refuse.install(inner)
    first_code = FirstCode(lambda code: None)
    inner.include_router(
        login.routes(context.users, context.sessions, context.words, audit, first_code)
    )
    inner.include_router(admin.routes(context))

    @inner.post("/api/operator/account/password")
    async def change_password(request: Request) -> dict[str, bool]:
        """What the panel does, with what it would show at a field."""
        try:
            await account.change_password(context, request, **await request.json())
        except UsersError as error:
            raise refuse.Refuse(FIELDS.get(error.reason, "current"), status=409) from error
        return {"ok": True}

    return AccessMiddleware(
        inner, users=context.users, sessions=context.sessions, loopback_only=True, recheck_s=0.0
    )


def _part(store: Store, serial: str = "S1") -> str:
    frame = Frame(
        image=np.zeros((4, 4), np.uint8), camera="c", sequence=0, captured_at=datetime.now(UTC)
    )
    judgement = Judgement(
        verdict=Verdict.PASS,
        cause=Reason("nothing_unusual", {"score": 0.1, "limit": 1.0}),
        recipe_id="r",
        score=0.1,
        p_value=0.5,
        threshold=1.0,
    )
    return store.add(NewPart(judgement=judgement, frame=frame, serial=serial)).part_id


# Users

Change = Callable[[UserAdministration, Request], Awaitable[None]]
CHANGES: dict[str, tuple[Change, str]] = {
    "add": (lambda do, who: do.add(who, "kim", Role.ENGINEER, PASSWORD), "user_added"),
    "role": (lambda do, who: do.set_role(who, "mia", Role.OPERATOR), "user_role_changed"),
    "password": (lambda do, who: do.set_password(who, "mia", "another long one"), "user_password_set"),
    "remove": (lambda do, who: do.remove(who, "mia"), "user_removed"),
    "sign_out": (lambda do, who: do.sign_out(who, "mia"), "user_signed_out"),
}  # fmt: skip


def test_an_administrator_adds_a_user_who_can_sign_in_and_the_record_tells_who_did_it(
    desk: Desk,
) -> None:
    desk.client("ada").close()
    do = UserHandlers(desk.context)
    told, *_ = asyncio.run(do.add("kim", "engineer", PASSWORD, desk.event("ada")))
    assert told == "kim was added."
    assert desk.context.users.find("kim").role is Role.ENGINEER
    (added,) = desk.store.actions(kind="user_added")
    assert (added.who, dict(added.detail)) == ("ada", {"name": "kim", "role": "engineer"})
    assert PASSWORD not in json.dumps([dict(a.detail) for a in desk.store.actions()])
    shown = asyncio.run(do.show(desk.event("ada")))
    rows = {row[0]: row for row in shown[0]["metadata"]["display_value"]}
    minutes = "%Y-%m-%d %H:%M"
    assert rows["kim"][1:4] == ["engineer", added.at.astimezone().strftime(minutes), "never"]
    (signed_in,) = desk.store.actions(kind="sign-in", who="ada")
    assert rows["ada (you)"][3] == signed_in.at.astimezone().strftime(minutes)
    desk.client("kim").close()


def test_times_are_those_of_the_zone_of_who_looks(desk: Desk) -> None:
    part_id = _part(desk.store)
    at = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    from ui.core.wording import Wording

    assert part_id
    assert Wording(Words(), "en", "Asia/Seoul").moment(at) == "2026-01-02 08:30:00"
    assert Wording(Words(), "en", "../etc/passwd").moment(at) == Wording(Words(), "en").moment(at)


@pytest.mark.parametrize("verb", CHANGES)
def test_a_change_is_in_the_record_before_it_is_made_or_is_not_made(desk: Desk, verb: str) -> None:
    change, kind = CHANGES[verb]
    do, ada = UserAdministration(desk.context), desk.request("ada")
    before = desk.context.users.path.read_bytes()
    desk.runtime.gone = True
    with pytest.raises(
        refuse.Refuse,
        match="The record could not be written, so nothing was changed: the station is not running",
    ) as caught:
        asyncio.run(change(do, ada))
    assert caught.value.status == 503
    assert desk.context.users.path.read_bytes() == before
    desk.runtime.gone = False
    asyncio.run(change(do, ada))
    assert desk.context.users.path.read_bytes() != before
    assert desk.kinds()[-1] == kind


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        (lambda do, who: do.add(who, "mia", Role.OPERATOR, PASSWORD), "name", "mia"),
        (lambda do, who: do.add(who, "<b>", Role.OPERATOR, PASSWORD), "name", "64"),
        (lambda do, who: do.add(who, "kim", Role.OPERATOR, "short"), "password", "10"),
        (lambda do, who: do.add(who, "kim the tenth", Role.OPERATOR, "kim the tenth"), "password", ""),
        (lambda do, who: do.set_role(who, "ada", Role.ENGINEER), "role", "administrator"),
        (lambda do, who: do.remove(who, "ada"), "role", "administrator"),
        (lambda do, who: do.remove(who, "nobody"), "name", "nobody"),
        (lambda do, who: do.set_password(who, "mia", "short"), "password", "10"),
        (lambda do, who: do.sign_out(who, "nobody"), "name", "nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_field_and_not_recorded_as_done(
    desk: Desk, change: Change, field: str, text: str
) -> None:
    with pytest.raises(UsersError) as caught:
        asyncio.run(change(UserAdministration(desk.context), desk.request("ada")))
    told = explain(desk.context, "en", caught.value)
    assert FIELDS[caught.value.reason] == field
    assert text in told
    assert "\n" not in told
    assert desk.kinds() == []
    assert [user.name for user in desk.context.users.list()] == sorted(PEOPLE)


def test_what_is_wrong_is_told_at_its_field(desk: Desk) -> None:
    do, ada = UserHandlers(desk.context), desk.event("ada")
    found = do.check_new("mia", "operator", PASSWORD, ada)
    assert [each["is_valid"] for each in found] == [False, True, True]
    assert found[0]["message"] == "There is a user mia already. Choose another name."
    found = do.check_password("mia", "short", ada)
    assert [each["is_valid"] for each in found] == [True, False]
    assert [each["is_valid"] for each in do.check_badge("oli", "1", ada)] == [True, False]
    assert all(each["is_valid"] for each in do.check_new("kim", "engineer", PASSWORD, ada))


def test_an_error_is_told_in_the_persons_language(desk: Desk) -> None:
    asked = {"verb": "remove", "name": "ada"}
    with pytest.raises(gr.Error) as caught:
        asyncio.run(UserHandlers(desk.context).confirm(asked, desk.event("ada", "ko")))
    assert caught.value.message == desk.context.words.say("login.last_administrator", "ko")


def test_a_change_that_fails_after_it_was_noted_is_noted_as_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = desk.context.users.path
    monkeypatch.setattr("ui.security.users.LOCK_TIMEOUT_S", 0.1)
    from filelock import FileLock

    with FileLock(f"{lock}.lock"), pytest.raises(UsersError):
        asyncio.run(UserAdministration(desk.context).remove(desk.request("ada"), "mia"))
    assert desk.kinds()[-2:] == ["user_removed", "change_failed"]
    detail = desk.store.actions(kind="change_failed")[0].detail
    assert (detail["kind"], detail["error"], detail["name"]) == ("user_removed", "busy", "mia")
    assert desk.context.users.find("mia") is not None


@pytest.mark.parametrize("verb", ["role", "password", "remove", "sign_out"])
def test_the_users_sessions_end_with_the_change(desk: Desk, verb: str) -> None:
    with desk.client("mia") as other:
        assert isinstance(desk.session(other), Session)
        asyncio.run(CHANGES[verb][0](UserAdministration(desk.context), desk.request("ada")))
        assert desk.session(other) is None


def test_sessions_are_listed_and_ended_one_by_one(desk: Desk) -> None:
    do = UserHandlers(desk.context)
    with desk.client("ada") as client, desk.client("mia") as one, desk.client("mia") as other:
        ada = gr.Request(desk.request("ada", session=desk.session(client)))
        _, _, table, choice, _ = asyncio.run(do.show(ada))
        texts = table["metadata"]["display_value"]
        assert [row[0] for row in texts].count("mia") == 2
        (mine,) = (row for row in texts if row[0] == "ada (this one)")
        assert [mine[1], mine[4]] == ["administrator", "127.0.0.1"]
        # Wherever sorting puts a row, it is the session, and the user, whose row it is.
        for row in reversed(table["data"]):
            clicked = gr.SelectData(None, {"index": [0, 0], "value": "", "row_value": row})
            picked = do.pick_session(clicked, ada)
            called = {value: text for text, value in choice["choices"]}[picked]
            assert called.startswith(row[0].split()[0])
        users = asyncio.run(do.show(ada))[0]["data"]
        for row in reversed(users):
            clicked = gr.SelectData(None, {"index": [0, 0], "value": "", "row_value": row})
            assert asyncio.run(do.pick(clicked, ada)) == row[0]
        handle = next(handle for text, handle in choice["choices"] if text.startswith("mia"))
        assert asyncio.run(do.end(handle, ada))[0] == "Ended a session of mia."
        # 403 is of one who is signed in; the other is nobody but the operator of this station.
        left = [each.get("/engineer/x").status_code for each in (one, other)]
        assert sorted(left) == [403, 404]
        with pytest.raises(gr.Error, match="This session is not open any more"):
            asyncio.run(do.end(handle, ada))
    assert desk.kinds()[-1] == "session_ended"
    assert desk.store.actions(kind="session_ended")[0].detail == {
        "name": "mia", "address": "127.0.0.1"
    }  # fmt: skip


# Roles

ENDPOINTS = [
    ("GET", "/api/admin/audit/table.csv"),
    ("GET", "/api/admin/health"),
    ("GET", "/api/admin/backup/file"),
]


def test_every_endpoint_of_the_page_is_in_the_list_above(desk: Desk) -> None:
    app = FastAPI()
    app.include_router(admin.routes(desk.context))
    found = {
        (method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item
    }
    assert found == set(ENDPOINTS)


@pytest.mark.parametrize("user", [None, "oli", "mia"])
def test_nobody_but_an_administrator_reaches_any_endpoint(desk: Desk, user: str | None) -> None:
    with desk.client(user) as client:
        for method, path in ENDPOINTS:
            answer = client.request(method, path, json={"name": "oli", "role": "administrator"})
            assert answer.status_code == 403, (method, path)
            assert answer.json()["ok"] is False
    _unchanged(desk)


@pytest.mark.parametrize("user", [None, "oli", "mia"])
def test_no_handler_answers_anybody_but_an_administrator(desk: Desk, user: str | None) -> None:
    handlers = [
        kind(desk.context)
        for kind in (UserHandlers, AuditHandlers, BackupHandlers, SettingsHandlers)
    ]
    handlers.append(HealthHandlers(desk.context, MachineFacts(desk.context)))
    asked = 0
    for each in handlers:
        for name, method in inspect.getmembers(each, inspect.ismethod):
            if name.startswith("_") or name == "reveal":  # which shows what one types oneself
                continue
            names = list(inspect.signature(method).parameters)
            given = dict.fromkeys(names, "mia")
            event = "request" if "request" in names else "event"
            with pytest.raises(gr.Error, match="needs the role administrator"):
                answer = method(**{**given, event: desk.event(user)})
                asyncio.run(answer)
            asked += 1
    assert asked > 25
    _unchanged(desk)


def _unchanged(desk: Desk) -> None:
    assert {user.name: str(user.role) for user in desk.context.users.list()} == PEOPLE


# One's own account


def test_an_operator_changes_his_password_and_signs_in_with_the_new_one(desk: Desk) -> None:
    path, new = "/api/operator/account/password", "a fresh long password"
    with desk.client("oli") as client:
        wrong = client.post(path, json={"current": "not this one", "wanted": new})
        assert (wrong.status_code, wrong.json()["error"]) == (409, "current")
        short = client.post(path, json={"current": PASSWORD, "wanted": "short"})
        assert (short.status_code, short.json()["error"]) == (409, "password")
        assert desk.kinds() == ["sign-in"]
        desk.runtime.gone = True
        assert client.post(path, json={"current": PASSWORD, "wanted": new}).status_code == 503
        assert desk.context.users.check("oli", PASSWORD) is not None
        desk.runtime.gone = False
        assert client.post(path, json={"current": PASSWORD, "wanted": new}).json() == {"ok": True}
    (noted,) = desk.store.actions(kind="password_changed")
    assert noted.who == "oli"
    assert desk.context.users.check("oli", PASSWORD) is None
    assert desk.context.users.check("oli", new) is not None


def test_whoever_did_not_sign_in_has_no_password_to_change(desk: Desk) -> None:
    with desk.client() as client:
        body = {"current": PASSWORD, "wanted": PASSWORD}
        answer = client.post("/api/operator/account/password", json=body)
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        "Nobody is signed in here. Sign in first.",
    )


# The audit record


def test_actions_and_events_are_one_list_newest_first_page_by_page(desk: Desk) -> None:
    part_id = _part(desk.store)
    for number in range(5):
        desk.store.add_action("paused", "oli")
        desk.store.add_event(part_id, "label", "mia", detail={"label": "OK", "n": number})
    desk.store.add_event(part_id, "picture_removed", "retention", detail={})
    seen, before = [], Cursor()
    while before is not None:
        page, before = deeds(desk.store, before=before, limit=3)
        seen += [(deed.kind, deed.number) for deed in page]
        assert len(page) <= 3
    assert seen == [each for n in range(5, 0, -1) for each in (("label", n), ("paused", n))]
    assert [deed.kind for deed in all_deeds(desk.store, kind="picture_removed")] == [
        "picture_removed"
    ]
    assert [deed.who for deed in all_deeds(desk.store, who="oli")] == ["oli"] * 5


def test_the_page_filters_by_who_and_kind_and_goes_on_where_it_stopped(desk: Desk) -> None:
    part_id = _part(desk.store)
    for _ in range(60):
        desk.store.add_event(part_id, "acknowledge", "oli", detail={"reason": "dirt"})
    desk.client("ada").close()
    first = audit_page(desk.store, kind=None, who=None, before=None)
    assert [entry.kind for entry in first.entries[:2]] == ["sign-in", "acknowledge"]
    assert first.entries[1].part_id == part_id
    assert first.entries[1].detail == {"reason": "dirt"}
    assert first.numbers == {part_id: 1}
    second = audit_page(desk.store, kind=None, who=None, before=first.following)
    assert (len(first.entries), len(second.entries), second.following) == (50, 11, None)
    only = audit_page(desk.store, who="ada", kind="sign-in", before=None)
    assert [entry.who for entry in only.entries] == ["ada"]
    assert choices(desk.context) == (["ada", "mia", "oli"], sorted(RECORD_KINDS))


def test_a_row_that_is_chosen_is_shown_as_its_hash_covers_it(desk: Desk) -> None:
    part_id = _part(desk.store)
    desk.store.add_event(part_id, "label", "mia", detail={"label": "NG", "n": 1})
    do, ada = AuditHandlers(desk.context), desk.event("ada")
    desk.store.add_event(part_id, "acknowledge", "oli")
    table, entries, *_ = asyncio.run(do.newest(None, None, ada))
    texts = table["metadata"]["display_value"]
    assert texts[1][1:] == ["mia", "Part labelled", "Label: NG · n: 1", "#1"]
    assert [row[4] for row in table["data"]] == [1, 1]
    # Sorting put the second row on top.
    chosen = gr.SelectData(None, {"index": [0, 3], "value": "", "row_value": table["data"][1]})
    written, button = asyncio.run(do.pick(entries, chosen, ada))
    assert '{"label":"NG","n":1}' in written
    assert part_id in written
    assert entries[1].hash in written
    assert (button["link"], button["visible"]) == (f"/engineer/review?part={part_id}", True)


def test_the_table_holds_everything_asked_for_and_no_formula(desk: Desk) -> None:
    part_id = _part(desk.store)
    desk.store.add_event(part_id, "disagree", "=1+1", detail={"comment": "크랙"})
    desk.store.add_action("paused", "oli")
    with desk.client("ada") as client:
        answer = client.get("/api/admin/audit/table.csv")
        one = client.get("/api/admin/audit/table.csv", params={"kind": "paused"})
    assert answer.headers["content-disposition"] == 'attachment; filename="line-1-audit.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["kind"] for row in rows] == ["audit_exported", "sign-in", "paused", "disagree"]
    assert rows[-1]["who"] == "'=1+1"
    assert json.loads(rows[-1]["detail"]) == {"comment": "크랙"}
    assert rows[-1]["part_id"] == part_id
    assert rows[2]["hash"] == desk.store.actions(kind="paused")[0].hash
    assert len(one.text.splitlines()) == 2


def _ended(status: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    end = time.monotonic() + 60
    while (found := status())["running"]:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_the_record_is_verified_in_a_process_of_its_own(desk: Desk) -> None:
    part_id = _part(desk.store)
    jobs, ada = desk.context.jobs, desk.request("ada")
    assert verification(jobs)["began_ms"] is None
    asyncio.run(verify(desk.context, ada))
    assert verification(jobs)["running"]
    with pytest.raises(refuse.Refuse, match="This is running already"):
        asyncio.run(verify(desk.context, ada))
    well = _ended(lambda: verification(jobs))
    assert well["error"] is None
    assert well["found"]["findings"] == []
    assert well["found"]["count"] == 1
    text, _ = asyncio.run(AuditHandlers(desk.context).verified(desk.event("ada")))
    assert text.startswith("✓ As it was written: 1 parts")
    record = desk.store.part(part_id)
    assert record is not None
    desk.store.image_path(record).write_bytes(b"other")
    asyncio.run(verify(desk.context, ada))
    bad = _ended(lambda: verification(jobs))
    (finding,) = bad["found"]["findings"]
    assert finding.startswith("part 1: ")
    text, _ = asyncio.run(AuditHandlers(desk.context).verified(desk.event("ada")))
    assert text.splitlines()[0].startswith("▲ NOT as it was written: 1 findings")
    assert text.splitlines()[1] == finding
    assert desk.kinds().count("record_verified") == 2


def test_an_errand_that_takes_too_long_is_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, VERIFY, replace(KINDS[VERIFY], limit_s=0.05))
    others = set(psutil.Process().children())
    asyncio.run(verify(desk.context, desk.request("ada")))
    assert _ended(lambda: verification(desk.context.jobs))["error"] == "late"
    text, _ = asyncio.run(AuditHandlers(desk.context).verified(desk.event("ada")))
    assert text.startswith("▲ Not done within")
    end = time.monotonic() + 10
    while set(psutil.Process().children()) - others:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_both_pages_tell_of_the_same_verification(desk: Desk) -> None:
    jobs, settings = desk.context.jobs, desk.context.settings
    asyncio.run(verify(desk.context, desk.request("ada")))
    job = jobs.running(VERIFY)
    assert job is not None
    me = asker(desk.context, desk.event("mia"), Role.ENGINEER)
    assert told_to_engineers(job, me).startswith("Reading the record")
    found = _ended(lambda: verification(jobs))["found"]
    told = told_to_engineers(jobs.find(job.id), me)
    assert (found["faults"], told[0], found["hash"] in told) == (0, "✓", True)
    # "all pictures" is said only where they were read
    start_verification(jobs, settings, who="mia", pictures=False)
    assert verification(jobs)["running"]
    with pytest.raises(refuse.Refuse):
        asyncio.run(verify(desk.context, desk.request("ada")))
    assert _ended(lambda: verification(jobs))["began_ms"] == pytest.approx(
        1e3 * datetime.fromisoformat(job.at).timestamp()
    )


# Health and settings


def test_health_tells_of_the_page_even_while_the_station_is_gone(desk: Desk) -> None:
    _part(desk.store)
    with desk.client("ada") as client:
        client.get("/api/admin/health")
        found = client.get("/api/admin/health").json()
    assert found["status"] is None
    assert found["record"]["parts"] == 1
    assert found["record"]["size_mb"] > 0
    assert found["page"]["pid"] == os.getpid()
    assert found["page"]["memory_mb"] == pytest.approx(
        psutil.Process().memory_info().rss / 1e6, rel=0.2
    )
    assert found["page"]["cpu_percent"] >= 0
    assert found["runtime"] == {
        "pid": None,
        "memory_mb": None,
        "cpu_percent": None,
        "threads": None,
    }
    assert found["retention"] == {"rejects_days": 90, "keep_every": None, "free_gb": None}


def test_a_process_that_ended_is_told_as_not_known() -> None:
    assert Processes().of(2**22 + 1)["memory_mb"] is None


def test_parity_needs_the_station(desk: Desk) -> None:
    desk.runtime.gone = True
    do = HealthHandlers(desk.context, MachineFacts(desk.context))
    with pytest.raises(gr.Error, match="the station is not running"):
        asyncio.run(do.parity(desk.event("ada")))


def test_the_doctors_findings_come_also_while_the_station_is_gone(desk: Desk) -> None:
    desk.runtime.gone = True
    asyncio.run(examine(desk.context, desk.request("ada")))
    with pytest.raises(refuse.Refuse, match="running already"):
        asyncio.run(examine(desk.context, desk.request("ada")))
    found = _ended(lambda: examination(desk.context.jobs))
    assert found["error"] is None
    marks = {each["what"]: each["mark"] for each in found["found"]["findings"]}
    assert marks["station"] == "ok"
    assert marks["recipe"] == "NOTE"  # there is none yet


def test_settings_are_shown_without_any_secret(desk: Desk) -> None:
    found = station_settings(desk.context)
    shown = asyncio.run(SettingsHandlers(desk.context).show(desk.event("ada")))
    for secret in ("geheim", "abc123", "an old one", "mia:"):
        assert secret not in json.dumps([found, shown])
    assert found["path"] == str(desk.context.station_path.resolve())
    assert 'secret_file = "secret.txt"' in found["text"]
    assert found["text"].count("\n") == STATION.rstrip().count("\n")
    values = dict(map(tuple, found["values"]))
    assert values["views[0].camera"] == "simulated"
    assert values["deadline_ms"] == "1000.0"
    assert values["outputs.webhook.url"] == "http://••••••@127.0.0.1:9/hook?token=••••••"
    assert (found["error"], found["changed"]) == (None, False)


def test_settings_tell_that_the_file_was_changed_or_cannot_be_read(desk: Desk) -> None:
    path = desk.context.station_path
    path.write_text(STATION.replace("flange", "gear"), encoding="utf-8")
    assert station_settings(desk.context)["changed"] is True
    path.write_text('station = "', encoding="utf-8")
    found = station_settings(desk.context)
    assert found["text"] == ""
    assert found["error"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('password = "a"', 'password = "••••••"'),
        ('api_key = "a" # why', 'api_key = "••••••" # why'),
        ("a = {Authorization = 'Bearer x', Accept = 'y'}", "a = {Authorization = \"••••••\", Accept = 'y'}"),
        ("[token]\nfirst = 'x'\nsecond = 'y'", '[token]\nfirst = "••••••"\nsecond = "••••••"'),
        ("tokens = ['x', 'y']", 'tokens = ["••••••", "••••••"]'),
        ("url = 'rtsp://u:p@ss/w@10.0.0.1/s'", "url = 'rtsp://••••••@10.0.0.1/s'"),
        ("record = 'postgresql+psycopg://u:p@db/x'", "record = 'postgresql+psycopg://••••••@db/x'"),
        ("keep_every = 5\npassword_file = 'p.txt'\npin = 4", "keep_every = 5\npassword_file = 'p.txt'\npin = 4"),
        ("[[views]]\n[views.settings]\npasswd = 'x'", '[[views]]\n[views.settings]\npasswd = "••••••"'),
    ],
)  # fmt: skip
def test_what_is_covered_in_a_file_and_what_is_not(text: str, shown: str) -> None:
    from ui.security.redact import covered_file

    assert covered_file(text) == shown


def test_a_status_on_its_way_to_the_pages_holds_no_password(desk: Desk) -> None:
    import asyncio

    hub = desk.context.hub
    status = {
        "type": "status", "error": "",
        "outputs": {"webhook": "output webhook: http://mia:geheim@h:9/x?token=abc did not take it"},
    }  # fmt: skip
    asyncio.run(hub._hear(status))
    assert hub.status is not None
    assert hub.status["outputs"] == {
        "webhook": "output webhook: http://••••••@h:9/x?token=•••••• did not take it"
    }
