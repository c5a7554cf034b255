"""Mail through Amazon's Simple Email Service, version 2: the very mail that would go over SMTP."""

from typing import Final

from app.adapters.aws import Clients, judged
from app.adapters.aws_session import Identity
from app.adapters.mail import compose_mime
from app.aws_roles import MESSAGES
from app.ports import Message
from app.settings import Settings

#: What is wrong with the mail itself. All else, such as a missing leave, is put right without losing mails.
_FINAL: Final = frozenset({"BadRequestException", "MessageRejected"})


class SesMailer:
    """Sends as the mapped role or the task's. SES writes a Message-ID of its own over ours; threads stay."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        identity = Identity.at(settings, MESSAGES, "ses")
        self._clients = Clients("sesv2", settings.aws_endpoint, identity)

    def send(self, message: Message) -> None:
        """Hand the mail to SES; see the port."""
        raw = compose_mime(self._settings, message).as_bytes()
        with judged("SES", _FINAL):
            self._clients.of(self._settings.ses_region).send_email(
                FromEmailAddress=self._settings.mail_from,
                Destination={"ToAddresses": [message.to]},
                Content={"Raw": {"Data": raw}},
            )
