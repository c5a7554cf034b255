"""Mails as they arrive, through real SMTP: T18, T36 (links), C6."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest
import requests
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy import func, update

from app.adapters.mail import SmtpMailer, compose_mime
from app.cli.dev.ports import free_port
from app.cli.dev.services import Services
from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError, PortalError
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.jobs.deliver import deliver
from app.models import Delivery, Upload
from app.ports import Message
from app.settings import Settings
from app.system import System
from tests.factories.people import make_account, make_actor, make_organisation
from tests.factories.uploads import make_upload
from tests.integration.looking import outbox

SETTINGS = Settings.model_construct(
    mail_from="Diagport <diagport@localhost>", base_url="https://upload.example.com"
)
HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "list-id",
    "content-type", "content-transfer-encoding", "mime-version",
}  # fmt: skip


def on_the_wire(services: Services, about: str) -> list[EmailMessage]:
    """Return the mails whose subject has ``about``, as they came through SMTP, oldest first."""
    files = sorted((services.directory / "mail").glob("*.eml"))
    mails = [
        message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default) for file in files
    ]
    return [mail for mail in mails if about in mail["Subject"]]


def caught(services: Services, about: str) -> list[dict[str, str]]:
    mails: list[dict[str, str]] = requests.get(f"{services.mail_url}/messages", timeout=10).json()
    return [mail for mail in mails if about in mail["text"]]


def told(system: System, upload: Upload) -> None:
    """Send what is in the outbox about an upload, over SMTP."""
    real = replace(system, adapters=replace(system.adapters, mailer=SmtpMailer(system.settings)))
    for delivery in outbox(system, upload.id):
        deliver(real, str(delivery.id))


@pytest.mark.parametrize("state", [UploadState.CLEAN, UploadState.INFECTED])
def test_a_mail_says_what_where_and_whose(system: System, services: Services, state: UploadState) -> None:
    engineer = make_account(system, Role.ENGINEER)
    sender = make_actor(system, organisation=make_organisation(system))
    upload = make_upload(system, sender, state, filename="web-01 Ärger.tgz", case="cs-12")
    told(system, upload)
    mails = {mail["to"]: mail for mail in caught(services, str(upload.id))}
    infected = state is UploadState.INFECTED
    assert set(mails) == {engineer.email, sender.email}
    mail = mails[engineer.email]
    assert mail["subject"] == f"[CS-12] {'Virus found' if infected else 'Ready'}: web-01 Ärger.tgz"
    assert f"\n{system.settings.base_url}/files/{upload.id}\n" in mail["text"].replace("\r", "")
    for fact in ("CS-12", "web-01 Ärger.tgz", f"{upload.size:,} bytes", str(upload.sha256), sender.email):
        assert fact in mail["text"]
    assert ("Eicar-Test-Signature in var/log/mail.log" in mail["text"]) is infected
    keys = {delivery.recipient: delivery.dedupe_key for delivery in outbox(system, upload.id)}
    assert mail["message_id"].strip() == f"<{keys[engineer.email]}@localhost>"
    assert all(delivery.sent_at for delivery in outbox(system, upload.id))


def test_hostile_names_add_no_header_and_are_not_evaluated(system: System, services: Services) -> None:
    make_account(system, Role.ENGINEER)
    name = "{{7919*7907}}${7919*7907}<%=7919*7907%>\r\nBcc: everybody@example.com\r\n\r\n<b>x.tgz"
    upload = make_upload(system, make_actor(system), UploadState.CLEAN, filename=name)
    told(system, upload)
    mails = caught(services, str(upload.id))
    assert len(mails) == 3
    for mail in mails:
        assert "everybody" not in mail["to"]
        assert "{{7919*7907}}${7919*7907}<%=7919*7907%>" in mail["subject"]
        assert str(7919 * 7907) not in mail["subject"] + mail["text"] + mail["html"]
        assert "&lt;b&gt;x.tgz" in mail["html"]
        assert "<b>" not in mail["html"]


def test_what_arrives_has_both_parts_and_what_mail_programs_sort_by(
    system: System, services: Services
) -> None:
    """Sent twice it is one message: the same id. Of one case it is one thread."""
    sender = make_actor(system, organisation=make_organisation(system))
    one, other = (make_upload(system, sender, filename=f"{uuid4().hex}.tgz", case="cs-12") for _ in range(2))
    for upload in (one, other):
        told(system, upload)
    with system.work() as uow:
        uow.session.execute(update(Delivery).values(sent_at=None, next_at=func.now()))
    told(system, one)
    first, again = on_the_wire(services, one.filename)
    (near,) = on_the_wire(services, other.filename)
    assert first["Message-ID"] == again["Message-ID"] != near["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == near["References"]
    assert first["References"] not in {first["Message-ID"], near["Message-ID"]}
    assert first["List-Id"] == "Diagport bundles <bundles.localhost>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Subject"] == f"[CS-12] Received: {one.filename}"
    assert [part.get_content_type() for part in first.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]  # fmt: skip
    assert all(ord(letter) < 128 for letter in first.as_string())
    (shown, _) = [mail for mail in caught(services, str(one.id)) if mail["to"] == sender.email]
    for part in (shown["text"], shown["html"]):
        assert f"{system.settings.base_url}/files/{one.id}" in part
        assert str(one.sha256) in part
    assert "<" not in shown["text"].replace("\r", ""), "the text is no HTML"
    assert shown["html"].startswith("<!DOCTYPE html>")


def test_a_mail_program_can_unsubscribe_with_one_click() -> None:
    """RFC 8058; however long the address is, it is on one line."""
    address = f"https://upload.example.com/unsubscribe/{'x' * 150}"
    message = Message(key="0" * 64, to="ann@example.com", subject="s", text="t", unsubscribe=address)
    wire = compose_mime(SETTINGS, message).as_bytes(policy=policy.SMTP)
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in wire
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in wire


@pytest.mark.parametrize("name", ["unsubscribe", "thread", "key", "to"])
def test_nothing_of_a_message_adds_a_header(name: str) -> None:
    fields = {"key": "0" * 64, "to": "ann@example.com", "subject": "s", "text": "t"}
    message = Message(**fields | {name: "x\r\nBcc: all@evil.example"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"line|header|CR"):
        compose_mime(SETTINGS, message).as_bytes()


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://upload.support.example.com:8443", "upload.support.example.com"),
        ("http://[::1]:8000", "[::1]"),
    ],
)
def test_ids_are_of_the_host_of_the_portal(base_url: str, host: str) -> None:
    settings = SETTINGS.model_copy(update={"base_url": base_url})
    message = Message(key="0" * 64, to="ann@example.com", subject="s", text="t", thread="f" * 36)
    mail = compose_mime(settings, message)
    assert mail["Message-ID"] == f"<{'0' * 64}@{host}>"
    wire = mail.as_bytes(policy=policy.SMTP)
    assert f"\r\nReferences: <thread.{'f' * 36}@{host}>\r\n".encode() in wire, "not folded"


def test_what_is_about_an_account_is_from_no_list() -> None:
    message = Message(key="0", to="ann@example.com", subject="s", text="t", event="account.reset")
    assert compose_mime(SETTINGS, message)["List-Id"] is None


def composed(settings: Settings, subject: str, text: str = "text") -> EmailMessage:
    message = Message(key="0" * 64, to="ann@example.com", subject=subject, text=text)
    mail = compose_mime(settings, message)
    wire = mail.as_bytes(policy=policy.SMTP)
    return message_from_bytes(wire, _class=EmailMessage, policy=policy.default)


@hypothesis(max_examples=300, deadline=None)
@given(subject=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_subject_changes_the_headers(subject: str) -> None:
    mail = composed(SETTINGS, subject)
    assert {name.lower() for name in mail} == HEADERS
    assert mail["To"] == "ann@example.com"
    assert mail.get_content().strip() == "text"


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_line_end_gets_through(line_end: str) -> None:
    mail = composed(SETTINGS, f"a{line_end}Bcc: b@example.com{line_end}{line_end}c" + " é" * 60)
    assert {name.lower() for name in mail} == HEADERS


@contextmanager
def answering(*replies: bytes) -> Iterator[int]:
    """Run a mail server that gives these replies, one after each line, and then hangs up."""
    port = free_port()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in replies:
                connection.sendall(reply + b"\r\n")
                line = lines.readline()
                while b"354" in reply and line not in {b".\r\n", b""}:
                    line = lines.readline()

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield port
        thread.join(10)


OK = (b"220 hi", b"250 me")
GREY, NO = b"451 try later", b"550 no such user"


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        pytest.param((*OK, b"250 ok", NO, b"250 ok"), DeliveryRefusedError, id="recipient refused"),
        pytest.param((*OK, b"250 ok", GREY, b"250 ok"), DependencyError, id="greylisted"),
        pytest.param((*OK, b"250 ok", b"250 ok", b"354 go", GREY, b"250 ok"), DependencyError, id="later"),
        pytest.param(
            (*OK, b"250 ok", b"250 ok", b"354 go", NO, b"250 ok"), DeliveryRefusedError, id="content"
        ),
        pytest.param(
            (*OK, b"250 ok", b"250 ok", b"354 go"), DeliveryUncertainError, id="gone after the mail"
        ),
        pytest.param((b"421 too busy",), DependencyError, id="too busy"),
        pytest.param((b"554 not here",), DependencyError, id="no service"),
        pytest.param((b"220 hi",), DependencyError, id="gone after the greeting"),
        pytest.param(OK, DependencyError, id="gone after the sender"),
        pytest.param((*OK, b"250 ok"), DependencyError, id="gone after the recipient"),
        pytest.param((*OK, b"250 ok", b"250 ok"), DeliveryUncertainError, id="gone after DATA"),
        pytest.param((), DependencyError, id="hangs up"),
    ],
)
def test_what_the_server_says_decides(
    settings: Settings, replies: tuple[bytes, ...], error: type[PortalError]
) -> None:
    with answering(*replies) as port:
        mailer = SmtpMailer(settings.model_copy(update={"smtp_port": port}))
        with pytest.raises(error):
            mailer.send(Message(key=uuid4().hex, to="ann@example.com", subject="s", text="t"))


def test_nobody_there(settings: Settings) -> None:
    mailer = SmtpMailer(settings.model_copy(update={"smtp_port": free_port()}))
    with pytest.raises(DependencyError):
        mailer.send(Message(key=uuid4().hex, to="ann@example.com", subject="s", text="t"))
