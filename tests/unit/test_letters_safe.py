"""What people typed is text in a mail, and nothing else: T18."""

import re
from dataclasses import fields, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from app.adapters.mail import compose_mime
from app.domain.events import Event
from app.settings import Settings
from tests.factories.letters import BASE, READERS, Typed, make_mail

SETTINGS = Settings.model_construct(mail_from="Diagport <diagport@example.com>", base_url=BASE)
NAMES = [each.name for each in fields(Typed) if each.name != "told"]
HOSTILE = (
    "\r\nBcc: all@evil.example\r\n\r\n",
    "{{ 7919*7907 }}{% for _ in 'ab' %}x{% endfor %}{# gone #}",
    "${7919*7907}<%= 7919*7907 %>%(subject)s{0}{case}",
    "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"'><a href='https://evil.example'>click</a><!--",
    "--===============0==\r\nContent-Type: text/html\r\n\r\n",
    "</title></style>&lt;b&gt;&amp;",
)
#: PostgreSQL takes no NUL and no surrogate, so there is none to mail.
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
typed = st.lists(st.sampled_from(HOSTILE) | anything).map("".join)


def words_of(tail: str) -> Typed:
    """Let everything that can be typed end alike, and begin with what it is."""
    words: dict[str, Any] = {name: f"{name}{tail}" for name in NAMES}
    return replace(Typed(), **words)


def arrived(event: Event, reader: str, words: Typed) -> EmailMessage:
    wire = compose_mime(SETTINGS, make_mail(event, reader, words)).as_bytes(policy=policy.SMTP)
    return message_from_bytes(wire, _class=EmailMessage, policy=policy.default)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body
    return str(body.get_content())


def skeleton(node: Element) -> Any:
    """Return an element's name, attributes and children, without their text."""
    return str(node.tag), sorted(node.items()), [skeleton(child) for child in node]


def parsed(mail: EmailMessage) -> Element:
    root: Element = html5lib.parse(part(mail, "html"), treebuilder="etree")
    return root


def flat(text: str) -> str:
    return " ".join(text.split())


@cache
def plain(event: Event, reader: str) -> tuple[list[str], Any, int, set[str]]:
    """Return the headers, the structure and the lines of a harmless mail, and what of the typed it shows."""
    mail = arrived(event, reader, words_of("-0-"))
    shown = {name for name in NAMES if f"{name}-0-" in part(mail, "plain") + str(mail["Subject"])}
    return list(mail.keys()), skeleton(parsed(mail)), part(mail, "plain").count("\n"), shown


@hypothesis(max_examples=150, deadline=None)
@given(event=st.sampled_from(list(Event)), reader=st.sampled_from(READERS), tail=typed)
def test_what_was_typed_changes_nothing_but_text(event: Event, reader: str, tail: str) -> None:
    mail = arrived(event, reader, words_of(tail))
    headers, structure, lines, shown = plain(event, reader)
    assert list(mail.keys()) == headers
    assert mail["To"] == "reader@example.com"
    root, text = parsed(mail), part(mail, "plain")
    assert skeleton(root) == structure
    assert text.count("\n") == lines
    seen = flat("".join(root.itertext()))
    for name in shown:
        assert flat(f"{name}{tail}") in seen, name
        assert flat(f"{name}{tail}") in flat(text), name


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("event", Event)
def test_templates_in_names_come_through_as_they_are(event: Event, reader: str) -> None:
    mail = arrived(event, reader, words_of(HOSTILE[1]))
    everything = part(mail, "plain") + part(mail, "html") + str(mail["Subject"])
    assert str(7919 * 7907) not in everything
    for name in plain(event, reader)[3]:
        assert f"{name}{HOSTILE[1]}" in part(mail, "plain")


@pytest.mark.parametrize("reader", ["customer", "ticket", "channel of organisation"])
@pytest.mark.parametrize("event", Event)
def test_nobody_outside_learns_who_of_the_staff_or_why(event: Event, reader: str) -> None:
    mail = make_mail(event, reader)
    assert "of-staff@" not in mail.subject + mail.text + (mail.html or "")
    assert Typed.why not in mail.text


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("event", Event)
def test_a_mail_is_whole_and_fetches_nothing(event: Event, reader: str) -> None:
    """Strictly parsed: no error of HTML; no address in it but those of the portal that are there to click."""
    mail = make_mail(event, reader)
    assert mail.html
    root = html5lib.HTMLParser(strict=True).parse(mail.html)
    links = [node for node in root.iter() if node.get("href") or node.get("src")]
    assert {node.tag.rpartition("}")[2] for node in links} <= {"a"}
    assert all((node.get("href") or "").startswith(f"{BASE}/") for node in links)
    assert not re.search(r"url\(|@import|<img|<link|<script", mail.html)
    for node in links:
        assert node.get("href") in mail.text, "the text has them too"
    assert "None" not in mail.subject + mail.text
