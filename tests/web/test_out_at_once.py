"""T11: whatever takes something from somebody holds from that moment on, for cookie and token alike.

Each act is a real request. What was captured before it is tried right after it: the cookie of the browser
that somebody uses, that of another one, and a token. What must go on is tried too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.factors import LinkPurpose
from app.system import System
from tests.factories.links import NEW_PASSWORD, make_link
from tests.factories.people import PASSWORD
from tests.web.callers import Browser, Caller

REASON = {"reason": "Left the company yesterday."}


@dataclass
class Scene:
    """Somebody at one browser, signed in at another too, with a token; an admin; and a passer-by."""

    system: System
    who: Caller
    own: Browser
    admin: Browser
    nobody: Browser

    def of_admin(self, path: str, form: dict[str, str] | None = None) -> TestResponse:
        return self.admin.post(f"/admin/{path}", form)

    def of_person(self, act: str) -> TestResponse:
        return self.of_admin(f"people/{self.who.account.id}/{act}", REASON)


Act = Callable[[Scene], TestResponse]


def signs_out(scene: Scene) -> TestResponse:
    return scene.own.post("/sign-out")


def changes_password(scene: Scene) -> TestResponse:
    typed = {"current": PASSWORD, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    return scene.own.post("/account/password", typed)


def follows_a_reset(scene: Scene) -> TestResponse:
    token = make_link(scene.system, scene.who.account.id, LinkPurpose.RESET)
    return scene.nobody.post(f"/reset/{token}", {"password": NEW_PASSWORD, "again": NEW_PASSWORD})


def ends_the_others(scene: Scene) -> TestResponse:
    return scene.own.post("/account/sessions/end-others")


def ends_the_others_and_tokens(scene: Scene) -> TestResponse:
    return scene.own.post("/account/sessions/end-others", {"tokens": "y"})


def is_suspended(scene: Scene) -> TestResponse:
    return scene.of_person("suspend")


def is_signed_out_everywhere(scene: Scene) -> TestResponse:
    return scene.of_person("end-sessions")


def loses_the_tokens(scene: Scene) -> TestResponse:
    return scene.of_person("revoke-tokens")


def loses_the_factors(scene: Scene) -> TestResponse:
    return scene.of_person("reset-factors")


def becomes_an_engineer(scene: Scene) -> TestResponse:
    place = {"name": "Same Person", "role": "engineer", "organisation": ""}
    return scene.of_admin(f"people/{scene.who.account.id}", place)


def has_the_organisation_suspended(scene: Scene) -> TestResponse:
    return scene.of_admin(f"organisations/{scene.who.account.organisation_id}/suspend", REASON)


#: What is still good afterwards: the browser that acted, the other one, the token.
ACTS: list[tuple[Act, tuple[bool, bool, bool]]] = [
    (signs_out, (False, True, True)),
    (changes_password, (True, False, False)),
    (follows_a_reset, (False, False, False)),
    (ends_the_others, (True, False, True)),
    (ends_the_others_and_tokens, (True, False, False)),
    (is_suspended, (False, False, False)),
    (is_signed_out_everywhere, (False, False, True)),
    (loses_the_tokens, (True, True, False)),
    (loses_the_factors, (False, False, True)),
    (becomes_an_engineer, (False, False, False)),
    (has_the_organisation_suspended, (False, False, False)),
]
#: A session goes on, under another id: what was captured before is dead all the same.
_NEW_SESSION = {changes_password}


@pytest.fixture
def scene(app: Flask, system: System, customer: Caller, admin: Caller) -> Scene:
    browsers = [Browser(app) for _ in range(3)]
    browsers[0].sign_in(customer.account.email)
    browsers[1].sign_in(admin.account.email)
    return Scene(system, customer, *browsers)


@pytest.mark.parametrize(("act", "good"), [pytest.param(*each, id=each[0].__name__) for each in ACTS])
def test_what_was_captured_before(
    app: Flask, scene: Scene, stranger: Caller, act: Act, good: tuple[bool, bool, bool]
) -> None:
    other, bystander = Browser(app), Browser(app)
    other.sign_in(scene.who.account.email)
    bystander.sign_in(stranger.account.email)
    thief = Browser(app).steal(scene.own.cookie())
    assert [each.signed_in() for each in (scene.own, other, thief, bystander)] == [True] * 4
    assert scene.who.get("/api/v1/uploads").status_code == 200

    assert act(scene).status_code == 303

    token_works = scene.who.get("/api/v1/uploads").status_code == 200
    assert (scene.own.signed_in(), other.signed_in(), token_works) == good
    assert thief.signed_in() is (good[0] and act not in _NEW_SESSION)
    assert thief.post(f"/account/sessions/{uuid4()}/end").status_code == (404 if thief.signed_in() else 401)
    assert bystander.signed_in()
    assert stranger.get("/api/v1/uploads").status_code == 200
    assert scene.admin.get("/admin/people").status_code == 200
