"""T38: that an address is verified is said of the address in the same document, ID token or userinfo."""

from typing import Any

import pytest

from app.models import Account, IdentityProvider
from app.system import System
from tests.oidc.hostile import Hostile
from tests.oidc.world import JANE, SUBJECT, change, identities, not_invited, sign_in
from tests.web.callers import Browser

OTHER = "attacker@other.example"


def says(hostile: Hostile, flag: str, token: dict[str, Any], userinfo: dict[str, Any]) -> None:
    """Let the ID token and userinfo say this; "flag" stands for the claim of that name."""
    hostile.person = {"sub": SUBJECT, "name": "Jane Doe"}
    for said, document in ((hostile.claims, token), (hostile.said, userinfo)):
        said.clear()
        said.update({flag if name == "flag" else name: value for name, value in document.items()})


@pytest.fixture(params=["email_verified", "owner_verified"])
def flag(request: pytest.FixtureRequest, system: System, provider: IdentityProvider) -> str:
    """Give the claim that says so, the usual one and one that the provider's mapping names."""
    name: str = request.param
    if name != "email_verified":
        change(system, provider, mapping={"verified": name})
    return name


@pytest.mark.parametrize(
    ("token", "userinfo"),
    [
        pytest.param({"email": JANE}, {"email": OTHER, "flag": True}, id="userinfo verified another"),
        pytest.param({"email": JANE}, {"flag": True}, id="userinfo names none"),
        pytest.param({"email": OTHER, "flag": True}, {"email": JANE}, id="token verified another"),
        pytest.param({"flag": True}, {"email": JANE}, id="token names none"),
        pytest.param({"flag": True}, {"email": JANE, "flag": False}, id="userinfo says no"),
        pytest.param({"email": JANE, "flag": False}, {"email": JANE, "flag": True}, id="token says no"),
    ],
)
def test_an_address_and_the_word_on_another_are_not_put_together(
    browser: Browser,
    hostile: Hostile,
    system: System,
    flag: str,
    jane: Account,
    token: dict[str, Any],
    userinfo: dict[str, Any],
) -> None:
    says(hostile, flag, token, userinfo)
    not_invited(browser, hostile)
    assert identities(system) == []


@pytest.mark.parametrize(
    ("token", "userinfo"),
    [
        pytest.param({"email": JANE}, {"email": JANE, "flag": True}, id="userinfo verified the same"),
        pytest.param({"email": JANE, "flag": True}, {"email": OTHER}, id="token has both"),
        pytest.param({"flag": False}, {"email": JANE, "flag": True}, id="userinfo has both"),
    ],
)
def test_both_may_speak_of_the_same_address(
    browser: Browser,
    hostile: Hostile,
    system: System,
    flag: str,
    jane: Account,
    token: dict[str, Any],
    userinfo: dict[str, Any],
) -> None:
    says(hostile, flag, token, userinfo)
    assert sign_in(browser, hostile).status_code == 303
    assert identities(system) == [(JANE, SUBJECT)]


def test_what_else_userinfo_says_is_taken_where_it_names_another_address(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    """The mapped organisation, for example: it is the same subject's."""
    assert jane.organisation
    terms = {"organisation": "company", "organisations": {"Acme Ltd": jane.organisation.slug}}
    change(system, provider, mapping=terms, organisation_id=None)
    says(hostile, "email_verified", {"email": JANE, "flag": True}, {"email": OTHER, "company": "Acme Ltd"})
    assert sign_in(browser, hostile).status_code == 303
