"""The page over TLS: its own, and nginx's with the example of the manual; and never in the clear unasked."""

from __future__ import annotations

import csv
import io
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from websockets.sync.client import connect

from inspection.errors import SetupError
from inspection.page_address import PageAddress
from tests.ui.conftest import PASSWORD, REPOSITORY, AtWork, _start, free_port, wait_for

EXAMPLE = REPOSITORY / "docs" / "examples" / "nginx.conf"
NAME = "station.plant"


class Authority:
    """A certificate authority with one certificate, for 127.0.0.1 and the station's name."""

    def __init__(self, folder: Path) -> None:
        ca = trustme.CA()
        issued = ca.issue_cert("127.0.0.1", NAME)
        self.cert, self.key, self.both = folder / "a.crt", folder / "a.key", folder / "both.pem"
        issued.cert_chain_pems[0].write_to_path(str(self.cert))
        issued.private_key_pem.write_to_path(str(self.key))
        issued.private_key_and_cert_chain_pem.write_to_path(str(self.both))
        self.trust = ssl.create_default_context()
        ca.configure_trust(self.trust)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def station(make_station: Callable[..., AtWork]) -> Iterator[AtWork]:
    found = make_station(start=False)
    found.start_runtime()
    yield found
    found.stop()


@contextmanager
def page(station: AtWork, *words: object, url: str, trust: ssl.SSLContext) -> Iterator[None]:
    """Serve the station's page with these options."""
    log = station.folder / "page.log"
    process = _start("-m", "ui", station.station, "--port", station.port, *words, log=log)

    def answers() -> bool:
        with suppress(httpx.HTTPError):
            headers = {"Host": NAME} if "--proxy" in words else {}
            return httpx.get(
                f"{url}/login", verify=trust, trust_env=False, headers=headers
            ).is_success
        return False

    try:
        wait_for(answers, 60, log, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def client(url: str, trust: ssl.SSLContext, **headers: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=trust, trust_env=False, headers=headers) as opened:
        yield opened


def sign_in(browser: httpx.Client) -> str:
    """Sign in; give the line of the cookie."""
    answer = browser.post("/login", data={"name": "ada", "password": PASSWORD, "next": "/"})
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"]


def test_the_page_serves_tls_with_a_cookie_for_tls_alone(
    station: AtWork, authority: Authority
) -> None:
    url = f"https://127.0.0.1:{station.port}"
    words = ("--cert", authority.cert, "--key", authority.key)
    with (
        page(station, *words, url=url, trust=authority.trust),
        client(url, authority.trust, Origin=url) as browser,
    ):
        cookie = sign_in(browser)
        assert "; Secure" in cookie and "; HttpOnly" in cookie
        assert browser.get("/api/admin/health").json()["page"]["pid"]
        assert first_live(url, cookie, authority, port=station.port)["type"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{station.port}/login", trust_env=False)


def first_live(url: str, cookie: str, authority: Authority, *, port: int) -> dict[str, Any]:
    """What the live stream of a page on this machine tells first."""
    with connect(
        url.replace("https", "wss") + "/live",
        sock=socket.create_connection(("127.0.0.1", port), timeout=20),
        ssl=authority.trust,
        additional_headers={"Cookie": cookie.partition(";")[0], "Origin": url},
    ) as opened:
        return dict(json.loads(opened.recv(timeout=20)))


@pytest.fixture
def nginx(station: AtWork, authority: Authority, tmp_path: Path) -> Iterator[str]:
    """Debian's nginx with the example of the manual, on a port of its own."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("NOT TESTED behind nginx: it is not there (apt-get install nginx-light)")
    port, text = free_port(), EXAMPLE.read_text("utf-8")
    for ours, theirs in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/inspection/station.crt", str(authority.cert)),
        ("/etc/inspection/station.key", str(authority.key)),
        ("127.0.0.1:7860", f"127.0.0.1:{station.port}"),
    ):
        assert ours in text
        text = text.replace(ours, theirs)
    (tmp_path / "site.conf").write_text(text, "utf-8")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {tmp_path / kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path / 'pid'}; error_log {tmp_path / 'error.log'};\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} include {tmp_path / 'site.conf'}; }}\n",
        "utf-8",
    )
    # Its master becomes somebody else as root; the log is opened by its default path before.
    process = subprocess.Popen(
        [program, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"]
    )
    yield f"https://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


def test_behind_nginx_everybody_signs_in_and_is_known_by_his_address(
    station: AtWork, authority: Authority, nginx: str
) -> None:
    named = f"https://{NAME}"
    with (
        page(station, "--proxy", "--allow", NAME, url=nginx, trust=authority.trust),
        client(nginx, authority.trust, Host=NAME, Origin=named) as browser,
    ):
        assert browser.get("/session.js").status_code == 401
        # Nobody is at the station itself as far as the page can tell, whatever the caller claims.
        direct = httpx.get(f"http://127.0.0.1:{station.port}/session.js", trust_env=False)
        assert direct.status_code == 401
        browser.headers["X-Forwarded-For"] = "10.9.9.9"
        cookie = sign_in(browser)
        assert "; Secure" in cookie
        browser.headers["Cookie"] = cookie.partition(";")[0]
        table = browser.get("/api/admin/audit/table.csv", params={"kind": "sign-in"})
        signed = next(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert json.loads(signed["detail"])["address"] == "127.0.0.1"
        live = first_live(named, cookie, authority, port=int(nginx.rpartition(":")[2]))
        assert live["type"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"host": "10.0.0.5"},
            "--host 10.0.0.5: passwords would cross the network in the clear; give --cert and --key, "
            "put a proxy before the page (--proxy), or take the risk with --insecure",
        ),
        (
            {"host": "10.0.0.5", "proxy": True},
            "--proxy: the proxy serves TLS and reaches the page on this machine; leave out --host",
        ),
        ({"key": Path("a.key")}, "--key a.key: the key of no certificate; give --cert too"),
        (
            {"cert": Path("no.crt")},
            "--cert no.crt: cannot be read (No such file or directory)",
        ),
    ],
)
def test_what_would_not_be_safe_is_refused_in_one_line(options: Any, problem: str) -> None:
    with pytest.raises(SetupError) as refused:
        PageAddress(**options)
    assert str(refused.value) == problem


def test_a_certificate_without_its_key_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    for key in (None, other.key):
        with pytest.raises(SetupError, match=f"^--cert {authority.cert}: no certificate in PEM"):
            PageAddress(cert=authority.cert, key=key)
    assert PageAddress(cert=authority.both).url == "https://127.0.0.1:7860/"


def test_an_encrypted_key_is_refused_instead_of_asking(
    authority: Authority, tmp_path: Path
) -> None:
    key = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", authority.key, "-out", key, "-passout", "pass:x"],
        check=True,
    )
    with pytest.raises(SetupError, match=f"^--key {key}: is encrypted"):
        PageAddress(cert=authority.cert, key=key)


def test_without_tls_a_network_is_warned_of_and_must_be_asked_for(cli: Any, line: Any) -> None:
    done = cli("ui", "station.toml", "--host", "10.0.0.5")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("inspection: --host 10.0.0.5: passwords would cross")
    done = cli("ui", "station.toml", "--host", "10.0.0.5", "--insecure")
    assert done.stderr.startswith("WARNING: http://10.0.0.5:7860/ is without TLS: whoever is on")


def test_the_page_is_given_the_same_address(authority: Authority) -> None:
    address = PageAddress(
        host="::1", port=8443, names=("a", "b"), cert=authority.cert, key=authority.key
    )
    assert address.url == "https://[::1]:8443/"
    assert address.words() == [
        "--host", "::1", "--port", "8443", "--allow", "a", "--allow", "b",
        "--cert", str(authority.cert), "--key", str(authority.key),
    ]  # fmt: skip
    assert PageAddress(proxy=True).words()[-1] == "--proxy"
    assert PageAddress(host="10.0.0.5", insecure=True).words()[-1] == "--insecure"
