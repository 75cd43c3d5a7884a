"""Mail by SMTP, with the TLS of the standard library."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid
from pathlib import Path
from typing import Literal

from inspection.covered import COVER
from inspection.plant.notices.base import Notice, NoticeError, secret_of

Tls = Literal["starttls", "tls", "none"]
HERE = ("localhost", "127.0.0.1", "::1")


class Smtp:
    """Hands each notice to a mail server.

    `to` is one address or several with commas between. A password is sent over TLS alone, or to this machine.
    """

    name = "smtp"

    def __init__(
        self,
        *,
        host: str,
        sender: str,
        to: str,
        port: int = 587,
        tls: Tls = "starttls",
        user: str = "",
        password_file: Path | None = None,
        ca_file: Path | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        self.host, self.sender, self.to, self.port = host, sender, to, port
        self.tls, self.user, self.password_file = tls, user, password_file
        self.ca_file, self.timeout_s = ca_file, timeout_s

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is needed."""
        return None

    def send(self, notice: Notice) -> None:
        """Send it as a mail of its own. Raises NoticeError."""
        mail, password = (
            self._mail(notice),
            secret_of(self.password_file, "notify.smtp.password_file"),
        )
        if self.user and self.tls == "none" and self.host not in HERE:
            raise NoticeError(
                f'notify.smtp: tls = "none" would send the password of {self.user} in the clear to '
                f'{self.host}; use "starttls" or "tls"'
            )
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, password)
                refused = server.send_message(mail)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NoticeError(self._problem(error, password)) from None
        if refused:
            raise NoticeError(f"notify.smtp: {self.host} did not take {', '.join(sorted(refused))}")

    def _connected(self) -> smtplib.SMTP:
        checks = ssl.create_default_context(cafile=self.ca_file)
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=checks)
        server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        if self.tls == "starttls":
            try:
                server.starttls(context=checks)
            except BaseException:
                server.close()
                raise
        return server

    def _mail(self, notice: Notice) -> EmailMessage:
        people = [address for _, address in getaddresses([self.to])]
        if not people or not all("@" in each for each in people):
            raise NoticeError(
                f"notify.smtp.to {self.to!r}: one address or several with commas between, "
                "such as quality@plant.example"
            )
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(people)
        mail["Subject"] = " ".join(notice.title.split())
        mail["Date"] = format_datetime(notice.at)
        mail["Message-ID"] = make_msgid(notice.notice_id, domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(notice.text)
        return mail

    def _problem(self, error: Exception, password: str) -> str:
        """What went wrong in one line; a server may repeat what it was given."""
        if isinstance(error, smtplib.SMTPResponseException):
            said = error.smtp_error
            text = f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
        elif isinstance(error, smtplib.SMTPRecipientsRefused):
            text = "no recipient was accepted: " + ", ".join(sorted(error.recipients))
        else:
            text = str(error) or type(error).__name__
        if password:
            text = text.replace(password, COVER)
        return f"notify.smtp: {self.host}:{self.port}: {' '.join(text.split())[:300]}"


NOTIFIER = Smtp
