"""Webhook: each result as JSON by HTTP POST, with a delivery id and a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

from inspection.covered import covered_text
from inspection.plant.extras import missing_extra, require
from inspection.plant.messages import InspectionResult, StationInterface
from inspection.plant.outputs.base import Output, OutputError, OutputRefused, OutputUnavailable

RETRIED = {408, 425, 429}
"""Refusals of the 4xx kind that may be over a moment later."""


class Webhook(Output):
    """Posts each result to a URL over one kept connection.

    Any 2xx answer is a delivery. No answer, 5xx, 408, 425 and 429 are tried again `retries` times, the
    wait doubling from `backoff_s`; what is still not delivered is kept by the station. The other
    answers of the 4xx kind refuse this one result.
    """

    name = "webhook"
    queued = True

    def __init__(
        self,
        *,
        url: str,
        secret_file: Path | None = None,
        timeout_s: float = 5.0,
        retries: int = 2,
        backoff_s: float = 0.2,
        ca_file: Path | None = None,
    ) -> None:
        self.url, self.secret_file, self.ca_file = url, secret_file, ca_file
        self.timeout_s, self.retries, self.backoff_s = timeout_s, retries, backoff_s
        self._client: Any = None

    @classmethod
    def missing(cls) -> str | None:
        """How to install httpx, or None."""
        return missing_extra("webhook", "httpx")

    def open(self, station: StationInterface) -> None:
        """Read the secret. Raises OutputUnavailable when the address or a file is of no use."""
        require(self)
        import ssl

        import httpx

        if not self.url.startswith(("http://", "https://")):
            raise OutputUnavailable(
                f"output {self.name}: url {covered_text(self.url)!r} is no http(s) address"
            )
        try:
            self._secret = self.secret_file.read_bytes().strip() if self.secret_file else b""
            checks = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise OutputUnavailable(f"output {self.name}: {error}") from error
        if self.secret_file and not self._secret:
            raise OutputUnavailable(f"output {self.name}: secret_file {self.secret_file} is empty")
        self._client = httpx.Client(timeout=self.timeout_s, verify=checks, trust_env=False)

    def send(self, result: InspectionResult) -> None:
        """Post the result. Raises OutputError with the last answer when no try was accepted.

        Raises OutputRefused when the receiver says that another try is of no use.
        """
        if self._client is None:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        body = json.dumps(result.as_json()).encode()
        headers = self._headers(result, body)
        problem, kind = "", OutputError
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(self.backoff_s * 2 ** (attempt - 1))
            problem, code = self._post(body, headers)
            if not problem:
                return
            if 300 <= code < 500 and code not in RETRIED:
                kind = OutputRefused if code >= 400 else OutputError
                break
        where = covered_text(self.url)
        raise kind(f"output {self.name}: {where} did not take {result.delivery_id}: {problem}")

    def close(self) -> None:
        """Let the connection go."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _headers(self, result: InspectionResult, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Inspection-Delivery-Id": result.delivery_id,
        }
        if self._secret:
            headers["Inspection-Signature"] = f"sha256={signature(self._secret, body)}"
        return headers

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[str, int]:
        """Try once; returns what went wrong, empty for nothing, and the HTTP status, 0 without an answer."""
        import httpx

        try:
            answer = self._client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return covered_text(f"{type(error).__name__}: {error}"), 0
        if answer.is_success:
            return "", answer.status_code
        return f"HTTP {answer.status_code} {answer.reason_phrase}", answer.status_code


def signature(secret: bytes, body: bytes) -> str:
    """The HMAC-SHA256 of the body as hexadecimal text, for whoever checks it."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()
