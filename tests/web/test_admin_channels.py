"""The admin's pages about channels: made, tried, changed, paused, and what they were told."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from app.domain.channels import ChannelKind
from app.models import AuditEvent, Channel, SignInSession
from app.services import channels
from app.system import System
from tests.factories.told import make_channel
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

URL = "https://hooks.example.com/services/T000/B000/topsecretpath"
ADDRESSES = {
    ChannelKind.WEBHOOK: URL,
    ChannelKind.SLACK: URL,
    ChannelKind.TEAMS: URL,
    ChannelKind.SNS: "arn:aws:sns:eu-central-1:123456789012:bundles.fifo",
    ChannelKind.EMAIL: "shared@example.com",
}


def typed(kind: ChannelKind = ChannelKind.WEBHOOK, **more: str) -> dict[str, str]:
    return {
        "id": str(uuid4()),
        "kind": kind,
        "name": "Ticket system",
        "address": ADDRESSES[kind],
        "organisation": "",
        "upload.clean": "y",
    } | more


def only(system: System) -> Channel:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(select(Channel)).one()


def page_of(channel: Channel) -> str:
    return f"/admin/channels/{channel.id}"


@pytest.mark.parametrize("kind", ChannelKind)
def test_an_admin_makes_one_of_each_kind(admin_browser: Browser, system: System, kind: ChannelKind) -> None:
    assert f"kind={kind}" in admin_browser.get("/admin/channels/new").text
    assert admin_browser.get(f"/admin/channels/new?kind={kind}").status_code == 200
    answer = admin_browser.post("/admin/channels/new", typed(kind))
    channel = only(system)
    known = channels.unseal(system.settings, channel)
    assert known.address == ADDRESSES[kind]
    assert channel.events == ["upload.clean"]
    if kind is ChannelKind.WEBHOOK:
        assert known.secret
        assert known.secret in answer.text
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", known.secret)
    else:
        assert known.secret is None
        assert answer.status_code == 303
    for path in ("/admin/channels", page_of(channel)):
        page = admin_browser.get(path).text
        assert "Ticket system" in page
        assert "topsecretpath" not in page
        assert known.secret is None or known.secret not in page
    (deed,) = deeds(system, "channel.created")
    assert "topsecretpath" not in str(deed.detail)
    assert "whsec" not in str(deed.detail)


def test_of_an_address_the_host_and_four_characters_are_shown(admin_browser: Browser, system: System) -> None:
    admin_browser.post("/admin/channels/new", typed())
    assert only(system).shown == "hooks.example.com/…path"


def test_sent_twice_the_form_makes_one(admin_browser: Browser, system: System) -> None:
    form = typed()
    for status in (200, 303):
        assert admin_browser.post("/admin/channels/new", form).status_code == status
    assert only(system).name == "Ticket system"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (ChannelKind.WEBHOOK, "address", "ftp://example.com/"),
        (ChannelKind.WEBHOOK, "address", "https://user:pass@example.com/"),
        (ChannelKind.WEBHOOK, "address", "https://example.com/#x"),
        (ChannelKind.WEBHOOK, "address", "https://exa mple.com/"),
        (ChannelKind.WEBHOOK, "address", "https://example.com:99999/"),
        (ChannelKind.WEBHOOK, "address", "https://example.com/" + "x" * 2000),
        (ChannelKind.SLACK, "address", ""),
        (ChannelKind.TEAMS, "address", "https://"),
        (ChannelKind.SNS, "address", "arn:aws:sqs:eu-central-1:123456789012:bundles"),
        (ChannelKind.SNS, "address", "arn:aws:sns:eu-central-1:123456789012:bundles:subscription"),
        (ChannelKind.EMAIL, "address", "no address"),
        (ChannelKind.EMAIL, "address", "a@example.com\nBcc: b@example.com"),
        (ChannelKind.WEBHOOK, "name", " "),
        (ChannelKind.WEBHOOK, "name", "x" * 101),
        (ChannelKind.WEBHOOK, "organisation", "00000000-0000-4000-8000-000000000000"),
        (ChannelKind.WEBHOOK, "organisation", "acme"),
        (ChannelKind.WEBHOOK, "id", "7"),
    ],
)
def test_what_cannot_be_is_said(
    admin_browser: Browser, system: System, kind: ChannelKind, field: str, value: str
) -> None:
    answer = admin_browser.post("/admin/channels/new", typed(kind, **{field: value}))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with system.work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Channel)) == 0


def test_it_is_told_something_that_channels_are_told(admin_browser: Browser) -> None:
    form = typed()
    del form["upload.clean"]
    assert admin_browser.post("/admin/channels/new", form).status_code == 422
    assert admin_browser.post("/admin/channels/new", form | {"account.reset": "y"}).status_code == 422
    assert admin_browser.post("/admin/channels/new", form | {"kind": "pigeon"}).status_code == 400


def test_a_change_holds_and_an_empty_address_stays(
    admin_browser: Browser, system: System, customer: Caller
) -> None:
    admin_browser.post("/admin/channels/new", typed())
    before = channels.unseal(system.settings, only(system))
    home = str(customer.actor.organisation_id)
    changed = {"name": "Other", "address": "", "organisation": home, "upload.infected": "y", "act": "save"}
    assert admin_browser.post(page_of(only(system)), changed).status_code == 303
    after = only(system)
    assert (after.name, after.events, str(after.organisation_id)) == ("Other", ["upload.infected"], home)
    assert channels.unseal(system.settings, after) == before
    (deed,) = deeds(system, "channel.changed")
    assert deed.detail["before"]["name"] == "Ticket system"
    admin_browser.post(page_of(after), changed | {"address": "https://elsewhere.example/"})
    moved = channels.unseal(system.settings, only(system))
    assert (moved.address, moved.secret) == ("https://elsewhere.example/", before.secret)
    assert "elsewhere.example/" not in str(deeds(system, "channel.changed")[-1].detail.get("address"))
    wrong = admin_browser.post(page_of(after), changed | {"name": ""})
    assert wrong.status_code == 422
    assert "Give it a name" in wrong.text


def test_a_new_secret_is_shown_once_and_the_old_one_still_signs(
    admin_browser: Browser, system: System
) -> None:
    admin_browser.post("/admin/channels/new", typed())
    before = channels.unseal(system.settings, only(system))
    shown = admin_browser.post(page_of(only(system)), {"act": "secret"}).text
    after = channels.unseal(system.settings, only(system))
    assert str(after.secret) in shown
    assert str(before.secret) not in shown
    assert after.secrets == f"{after.secret} {before.secret}"
    admin_browser.post(page_of(only(system)), {"act": "secret"})  # clicked twice
    twice = channels.unseal(system.settings, only(system))
    assert twice.secret not in {after.secret, before.secret}
    assert twice.secret_before == before.secret
    for _ in range(2):
        assert admin_browser.post(page_of(only(system)), {"act": "forget"}).status_code == 303
    assert channels.unseal(system.settings, only(system)).secrets == twice.secret
    assert len(deeds(system, "channel.secret_made")) == 2
    assert len(deeds(system, "channel.secret_forgotten")) == 1
    slack = make_channel(system, ChannelKind.SLACK)
    assert admin_browser.post(page_of(slack), {"act": "secret"}).status_code == 409


def test_what_was_typed_waits_for_a_proof_and_the_address_does_not(
    admin_browser: Browser, system: System
) -> None:
    with system.work() as uow:
        ago = func.now() - timedelta(hours=1)
        uow.session.execute(update(SignInSession).values(confirmed_at=ago))
    assert "/again" in admin_browser.post("/admin/channels/new", typed()).location
    with system.work() as uow:
        kept = uow.session.scalars(select(SignInSession.kept)).one()
    assert kept is not None
    assert kept["fields"]["name"] == "Ticket system"
    assert "topsecretpath" not in str(kept)


def test_nothing_of_the_address_is_in_the_trail(admin_browser: Browser, system: System) -> None:
    admin_browser.post("/admin/channels/new", typed())
    for act in ("test", "secret", "pause", "resume", "remove"):
        admin_browser.post(page_of(only(system)), {"act": act})
    with system.work() as uow:
        trail = str([event.detail for event in uow.session.scalars(select(AuditEvent))])
    assert "topsecretpath" not in trail
    assert "whsec" not in trail
