"""A notice as JSON by HTTP POST; chat programs take its `text`."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from inspection.plant.notices.base import Notice, NoticeError, secret_of


class NoticeWebhook:
    """Posts each notice. An address that is a secret itself stands in `url_file` instead of `url`.

    With `secret_file` the body is signed as results are: `Inspection-Signature: sha256=…`.
    """

    name = "webhook"

    def __init__(
        self,
        *,
        url: str = "",
        url_file: Path | None = None,
        secret_file: Path | None = None,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self.url, self.url_file, self.secret_file = url, url_file, secret_file
        self.ca_file, self.timeout_s = ca_file, timeout_s

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is needed."""
        return None

    def send(self, notice: Notice) -> None:
        """Post it; any 2xx is a delivery. Raises NoticeError."""
        url = self.url or secret_of(self.url_file, "notify.webhook.url_file")
        if not url.startswith(("http://", "https://")):
            raise NoticeError("notify.webhook: url, or what is in url_file, is no http(s) address")
        where = f"notify.webhook: {urlsplit(url).hostname}"  # no more: the rest may be a secret
        body = json.dumps(notice.as_json(), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Inspection-Notice-Id": notice.notice_id}
        if secret := secret_of(self.secret_file, "notify.webhook.secret_file"):
            signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["Inspection-Signature"] = f"sha256={signed}"
        try:
            checks = ssl.create_default_context(cafile=self.ca_file)
            with httpx.Client(timeout=self.timeout_s, verify=checks, trust_env=False) as client:
                answer = client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = " ".join(str(error).replace(url, "…").split())
            raise NoticeError(f"{where}: {type(error).__name__}: {text[:200]}") from None
        if not answer.is_success:
            raise NoticeError(f"{where}: HTTP {answer.status_code} {answer.reason_phrase[:100]}")


NOTIFIER = NoticeWebhook
