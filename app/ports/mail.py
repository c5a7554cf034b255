"""What sends mails, as a Protocol."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person. ``key`` gives the Message-ID: sent twice, it is one mail."""

    key: str
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    def send(self, message: Message) -> None:
        """Hand the mail to the mail server.

        Raises:
            MailRefusedError: it surely did not go, and never will.
            MailUncertainError: nobody can say whether it went.
            DependencyError: it surely did not go; try again later.
        """
