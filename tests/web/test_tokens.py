"""API tokens. T39 and C3: a broken header is nobody, never an error."""

import base64
import hashlib

import pytest
from sqlalchemy import func, select, update

from app.models import Account, ApiToken
from app.system import System
from tests.web.callers import Caller
from tests.web.looks import problem


def token_of(caller: Caller) -> str:
    return caller.headers["Authorization"].removeprefix("Bearer ")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_a_token_is_taken_as_bearer_and_as_basic_password(customer: Caller) -> None:
    token = token_of(customer)
    for headers in ({"Authorization": f"bearer {token}"}, basic("", token), basic("anybody", token)):
        assert customer.get("/api/v1/uploads", headers=headers).status_code == 200, headers


def test_only_the_hash_of_a_token_is_kept(customer: Caller, system: System) -> None:
    with system.work() as uow:
        row = uow.session.scalars(select(ApiToken)).one()
    token = token_of(customer)
    assert token.startswith("dgp_")
    assert len(token) >= 4 + 43  # 256 bits
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in repr(vars(row))


BROKEN = (
    "Bearer",
    "Bearer ",
    "Bearer dgp_",
    "Bearer dgp_unknown",
    "Bearer dgp_" + "x" * 5000,
    "Bearer dgp_\u00e9",
    "Bearer a=b",
    "Basic",
    "Basic !!!",
    "Basic bm9jb2xvbg==",
    "Basic " + base64.b64encode(b"user:dgp_unknown").decode(),
    "Basic " + base64.b64encode(b"dgp_user:\xff\xfe").decode(),
    "Basic " + base64.b64encode(b"user:dgp_\x00").decode(),
    "AWS4-HMAC-SHA256 Credential=x/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=0",
    "Digest username=admin",
    "Negotiate abc",
    "\x01",
)


@pytest.mark.parametrize("header", BROKEN)
def test_a_broken_or_unknown_credential_is_nobody(customer: Caller, header: str) -> None:
    """C3."""
    answer = customer.get("/api/v1/uploads", headers={"Authorization": header})
    problem(answer, 401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert customer.get("/healthz", headers={"Authorization": header}).status_code == 200
    page = customer.get("/files", headers={"Authorization": header, "Accept": "text/html"})
    assert page.status_code == 303


def test_a_revoked_token_is_dead_at_once(customer: Caller, system: System) -> None:
    """T11."""
    assert customer.get("/api/v1/uploads").status_code == 200
    with system.work() as uow:
        uow.session.execute(update(ApiToken).values(revoked_at=func.now()))
    problem(customer.get("/api/v1/uploads"), 401, "not_signed_in")


def test_a_token_of_a_locked_account_is_dead_at_once(customer: Caller, system: System) -> None:
    """T11."""
    with system.work() as uow:
        uow.session.get_one(Account, customer.account.id).active = False
    problem(customer.get("/api/v1/uploads"), 401, "not_signed_in")


def test_a_token_remembers_when_it_was_used(customer: Caller, system: System) -> None:
    customer.get("/api/v1/uploads")
    with system.work() as uow:
        assert uow.session.scalar(select(ApiToken.last_used_at)) is not None


def test_a_token_is_not_taken_from_anywhere_else(customer: Caller) -> None:
    token = token_of(customer)
    customer.headers = {}
    for path in (f"/api/v1/uploads?token={token}", f"/api/v1/uploads?access_token={token}"):
        problem(
            customer.get(path, headers={"X-Api-Key": token, "Cookie": f"diagport={token}"}),
            401,
            "not_signed_in",
        )
