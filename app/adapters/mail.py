"""Mail over SMTP."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate
from typing import NoReturn

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
            DeliveryUncertainError: the connection broke after the mail was on its way.
            DependencyError: away, or refused for now.
        """
        with self._connect() as server:
            try:
                server.send_message(self._compose(message))
            except smtplib.SMTPRecipientsRefused as error:
                self._refused(max(code for code, _ in error.recipients.values()), error)
            except smtplib.SMTPResponseException as error:
                self._refused(error.smtp_code, error)
            except (OSError, smtplib.SMTPException) as error:
                raise DeliveryUncertainError("The mail server went away.", cause=str(error)) from error

    @contextmanager
    def _connect(self) -> Iterator[smtplib.SMTP]:
        server = smtplib.SMTP(timeout=_TIMEOUT)
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

    def _compose(self, message: Message) -> EmailMessage:
        # email.message refuses line breaks in header values, so no name can add a header.
        mail = EmailMessage()
        mail["From"] = self._settings.mail_from
        mail["To"] = message.to
        mail["Subject"] = " ".join(message.subject.split())
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{message.key}@diagport>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(message.text)
        return mail
