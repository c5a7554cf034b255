"""Addresses of channels: what is taken, and that what is shown gives nothing away."""

import contextlib
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import channel_address
from app.domain.channels import ChannelKind
from app.domain.errors import InvalidInputError

HOOKS = [ChannelKind.WEBHOOK, ChannelKind.SLACK, ChannelKind.TEAMS]
_PATH = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"#<>\\^`{|}'), max_size=80
)


@pytest.mark.parametrize("kind", HOOKS)
@given(path=_PATH)
def test_of_what_follows_the_host_four_characters_are_shown_at_most(kind: ChannelKind, path: str) -> None:
    address = channel_address.clean(kind, f" https://hooks.example.com/{path} ", plain=False)
    shown = channel_address.shown(kind, address)
    tail = shown.removeprefix("hooks.example.com/…")
    assert tail != shown
    rest = urlsplit(address)._replace(scheme="", netloc="").geturl()  # a bare "?" at the end says nothing
    assert tail == "" or (len(tail) == 4 and len(rest) >= 15 and rest.endswith(tail))


@pytest.mark.parametrize("kind", ChannelKind)
@given(typed=st.text(max_size=40) | st.from_regex(r"https?://[ -~]{0,30}", fullmatch=True))
def test_whatever_is_typed_is_an_address_or_refused(kind: ChannelKind, typed: str) -> None:
    address = ""
    with contextlib.suppress(InvalidInputError):
        address = channel_address.clean(kind, typed, plain=False)
    if address:
        assert len(channel_address.shown(kind, address)) <= channel_address.MAX_SHOWN
        assert kind not in HOOKS or urlsplit(address).scheme == "https"


def test_http_is_for_development() -> None:
    address = "http://127.0.0.1:8000/hook"
    assert channel_address.clean(ChannelKind.WEBHOOK, address, plain=True) == address
    with pytest.raises(InvalidInputError, match="https://"):
        channel_address.clean(ChannelKind.WEBHOOK, address, plain=False)


def test_the_port_is_shown_too() -> None:
    address = "https://Hooks.example.com:8443/services/abcdefghijklmnop"
    assert channel_address.shown(ChannelKind.WEBHOOK, address) == "hooks.example.com:8443/…mnop"


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]:8443"])
def test_a_private_number_is_refused_at_once(kind: ChannelKind, host: str) -> None:
    """T40."""
    with pytest.raises(InvalidInputError, match="private network"):
        channel_address.clean(kind, f"https://{host}/hook", plain=False)


def test_this_machine_is_for_development_and_its_neighbours_are_for_nobody() -> None:
    """T40."""
    with pytest.raises(InvalidInputError, match="private network"):
        channel_address.clean(ChannelKind.WEBHOOK, "http://192.168.0.7/hook", plain=True)
    address = "https://1.1.1.1/hook"
    assert channel_address.clean(ChannelKind.WEBHOOK, address, plain=False) == address


@pytest.mark.parametrize(
    ("topic", "region", "fifo"),
    [
        ("arn:aws:sns:eu-central-1:123456789012:bundles", "eu-central-1", False),
        ("arn:aws-cn:sns:cn-north-1:123456789012:a_b-c.fifo", "cn-north-1", True),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:x", "us-gov-west-1", False),
    ],
)
def test_topics_say_where_they_are(topic: str, region: str, *, fifo: bool) -> None:
    assert channel_address.clean(ChannelKind.SNS, topic, plain=False) == topic
    assert channel_address.region_of(topic) == region
    assert channel_address.is_fifo(topic) is fifo


def test_a_long_mail_address_is_cut_where_it_is_shown() -> None:
    address = f"{'x' * 200}@example.com"
    assert channel_address.shown(ChannelKind.EMAIL, address) == "x" * 199 + "…"
