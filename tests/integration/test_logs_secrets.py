"""T39, C13: nothing that anybody proves themselves with is in any log of the running product."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from pydantic import SecretStr

from app.cli.dev.postgres import portal_url
from app.db import Database
from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.services import links, unsubscribing
from app.system import System
from tests.factories.factors import make_app, make_codes
from tests.factories.issuers import claims_of, make_issuer, rsa_key, sign
from tests.factories.people import PASSWORD, bearer, make_account
from tests.factories.tickets import issue_ticket
from tests.fakes import FakeFetcher
from tests.live import Live

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
WRONG = "planted-wrong-password"


@pytest.fixture
def portal(system: System, live: Live) -> Iterator[System]:
    """Give the running portal's database and its key."""
    database = Database.connect(portal_url(live.database_url))
    key = SecretStr(live.application.environment["DIAGPORT_SECRET_KEY"])
    settings = system.settings.model_copy(update={"secret_key": key})
    yield replace(system, database=database, settings=settings)
    database.engine.dispose()


class Visitor:
    """A browser that keeps what it was given."""

    def __init__(self, live: Live) -> None:
        self.url, self.session = live.url, requests.Session()
        self.session.headers["Accept"] = "text/html"
        self.given: set[str] = set()

    def get(self, path: str) -> requests.Response:
        answer = self.session.get(self.url + path, timeout=30)
        self._keep()
        return answer

    def post(self, path: str, page: str | None = None, **fields: str) -> requests.Response:
        found = _CSRF.search(self.get(page or path).text)
        assert found
        self.given.add(found[1])
        form = {"csrf_token": found[1], **fields}
        answer = self.session.post(self.url + path, data=form, timeout=30)
        self._keep()
        return answer

    def _keep(self) -> None:
        self.given |= {cookie.value for cookie in self.session.cookies if cookie.value}


def test_no_log_of_the_running_product_holds_a_secret(
    live: Live, portal: System, fetcher: FakeFetcher
) -> None:
    """Tokens, JWTs good and bad, passwords right and wrong, seeds and codes, links, tickets, cookies."""
    account = make_account(portal)
    phone, codes = make_app(portal, account), make_codes(portal, account)
    with portal.work() as uow:
        issued = {purpose: links.issue(uow, account, purpose).token for purpose in LinkPurpose}
    issuer = make_issuer(portal, fetcher, account.organisation_id)
    jwts = [
        sign(claims_of(issuer)),
        sign(claims_of(issuer), rsa_key("evil")),
        sign(claims_of(issuer, iss="x")),
    ]
    token = bearer(portal, account)["Authorization"].removeprefix("Bearer ")
    ticket = issue_ticket(portal, "CS-77", account.organisation_id).code
    secrets = {PASSWORD, WRONG, phone.app.secret, token, "dgp_planted", *issued.values(), *codes, *jwts}
    secrets |= {jwt.split(".")[2] for jwt in jwts}

    for sent in (token, "dgp_planted", *jwts):
        live.get("/api/v1/uploads", headers={"Authorization": f"Bearer {sent}"})
        basic = b64encode(f"user:{sent}".encode()).decode()
        live.get("/api/v1/uploads", headers={"Authorization": f"Basic {basic}"})
        secrets.add(basic)
    live.get("/api/v1/uploads", headers={"Authorization": f"Bearer {WRONG}\x80"})

    visitor = Visitor(live)
    visitor.post("/sign-in", email=account.email, password=WRONG)
    asked = visitor.post("/sign-in", email=account.email, password=PASSWORD)
    assert asked.url.endswith("/sign-in/second")
    visitor.post("/sign-in/second", code="planted-code")
    code = phone.code(portal)
    inside = visitor.post("/sign-in/second", code=code)
    assert inside.url == f"{live.url}/", inside.text
    for purpose, path in ((LinkPurpose.RESET, "/reset"), (LinkPurpose.INVITATION, "/activate")):
        Visitor(live).get(f"{path}/{issued[purpose]}")
    guest = Visitor(live)
    guest.get(f"/t/{ticket}")
    way_out = str(unsubscribing.address(portal.settings, account.id, Event.UPLOAD_CLEAN)).rpartition("/")[2]
    assert guest.get(f"/unsubscribe/{way_out}").status_code == 200
    visitor.get(f"/files?q={'x' * 3000}")
    secrets |= visitor.given | guest.given | {"planted-code", ticket, way_out}

    folders = (live.application._logs, live.services.directory / "log")  # the database's words, too
    logs = {path.name: path.read_text(errors="replace") for each in folders for path in each.glob("*.log")}
    logs.pop("mail.log", None)  # the sink that catches mails, in place of people's mailboxes
    assert "jwt_refused" in logs["web.log"]
    assert len(secrets) > 25
    found = [(name, secret) for name, text in logs.items() for secret in secrets if secret in text]
    assert found == []
