"""Mail over SMTP."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError
from app.ports import Message
from app.settings import Settings

_TIMEOUT = 20.0  # seconds
_READY = 220
_PERMANENT = 500  # SMTP replies from here on are final (RFC 5321, 4.2.1)


class SmtpMailer:
    """One connection per mail: few are sent, and none may be lost with a stale connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message) -> None:
        """Hand the mail to the server.

        Raises:
            DeliveryRefusedError: refused for good (5xx).
            DeliveryUncertainError: the connection broke when the mail was on its way (DATA).
            DependencyError: away, or refused for now.
        """
        with self._connect() as server:
            try:
                server.send_message(compose_mime(self._settings, message))
            except smtplib.SMTPRecipientsRefused as error:
                self._refused(max(code for code, _ in error.recipients.values()), error)
            except smtplib.SMTPResponseException as error:
                self._refused(error.smtp_code, error)
            except (OSError, smtplib.SMTPException) as error:
                how = DeliveryUncertainError if server.given else DependencyError
                raise how("The mail server went away.", cause=str(error)) from error

    @contextmanager
    def _connect(self) -> Iterator["_Server"]:
        server = _Server(timeout=_TIMEOUT)
        try:
            greeting = server.connect(self._settings.smtp_host, self._settings.smtp_port)
            if greeting[0] != _READY:  # only smtplib's constructor would look at it
                raise smtplib.SMTPConnectError(*greeting)
            server.ehlo_or_helo_if_needed()
            if self._settings.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
            if self._settings.smtp_username and self._settings.smtp_password:
                server.login(self._settings.smtp_username, self._settings.smtp_password.get_secret_value())
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            raise DependencyError("The mail server is away.", cause=str(error)) from error
        try:
            yield server
        finally:
            # The mail has been taken or refused by now; how the goodbye goes changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    @staticmethod
    def _refused(code: int, error: smtplib.SMTPException) -> NoReturn:
        if code >= _PERMANENT:
            raise DeliveryRefusedError("The mail server refused the mail.", cause=str(error)) from error
        raise DependencyError("The mail server asks to try later.", cause=str(error)) from error


class _Server(smtplib.SMTP):
    """Knows whether a mail was ``given`` to it: before, it surely did not go."""

    given = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send DATA, and the mail after it."""
        self.given = True
        return super().data(msg)


class _OneLine(BaseHeader):
    """A header that is never folded: `email` would cut what has no blank in it into encoded words."""

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, into: dict[str, Any]) -> None:
        """Take the value as it is; `email.message` has refused line breaks in it by now."""
        into.update(decoded=value, parse_tree=None)

    def fold(self, *, policy: policy.Policy) -> str:
        """Return the header's line."""
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> "policy.EmailPolicy[EmailMessage]":
    headers = HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references", "list-unsubscribe"):
        headers.map_to_type(name, _OneLine)
    # Not every server takes bytes with the eighth bit.
    return policy.EmailPolicy(header_factory=headers, linesep="\r\n", cte_type="7bit")


_POLICY = _policy()


def compose_mime(settings: Settings, message: Message) -> EmailMessage:
    """Return the mail as it is sent, through whatever: text, and HTML beside it if there is any.

    Mails with the same ``thread`` answer one that was never sent, which mail programs group by.
    """
    # email.message refuses line breaks in header values, so no name can add a header.
    host = urlsplit(settings.base_url).hostname or "localhost"
    mail = EmailMessage(_POLICY)
    mail["From"] = settings.mail_from
    mail["To"] = message.to
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = _message_id(message.key, host)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    if not message.event.startswith("account."):  # what is about somebody's own account is from no list
        mail["List-Id"] = f"Diagport bundles <bundles.{host}>"  # RFC 2919
    if message.thread:
        mail["In-Reply-To"] = mail["References"] = _message_id(f"thread.{message.thread}", host)
    if message.unsubscribe:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"  # RFC 2369, 8058
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def _message_id(name: str, host: str) -> str:
    """Return an id that is the same whenever it is made (RFC 5322, 3.6.4)."""
    return f"<{name}@{f'[{host}]' if ':' in host else host}>"
