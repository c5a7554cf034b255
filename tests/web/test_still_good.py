"""T10, T11: whoever may come no more gets no last byte of what they began to fetch before.

What else ends a download is in `test_guard`; how the next request fares, in `test_download_rights`.
"""

from os import urandom

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.models import TokenIssuer
from app.services import issuers
from app.system import System
from app.web import guard, outgoing
from tests.factories.bundles import make_tgz
from tests.factories.issuers import make_issuer, with_jwt
from tests.factories.uploads import make_upload
from tests.fakes import FakeFetcher
from tests.web.callers import Caller
from tests.web.leaving import ENDS, ByCookie, Change, Halfway, expired, proved_anew, signed_out
from tests.web.looks import deeds
from tests.web.test_guard import Download

CONTENT = make_tgz({"etc/noise": urandom(600_000)})


@pytest.fixture
def machine(app: Flask, system: System, fetcher: FakeFetcher, customer: Caller) -> tuple[Caller, TokenIssuer]:
    """Give a caller of the customer's organisation that comes with its issuer's tokens."""
    issuer = make_issuer(system, fetcher, customer.actor.organisation_id)
    caller = Caller(app, system, account=issuer.account)
    caller.headers = with_jwt(issuer)
    return caller, issuer


@pytest.fixture
def by_cookie(app: Flask, system: System, customer: Caller) -> ByCookie:
    return ByCookie(app, system, customer.account)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look all the time, at small pieces."""
    monkeypatch.setattr(outgoing, "READ_BYTES", 100_000)
    monkeypatch.setattr(outgoing, "TAIL", 1_000)
    for name in ("ROW_SECONDS", "FRESH"):
        monkeypatch.setattr(guard, name, 0.0)


def begun(caller: Caller, system: System, parts: int = 1) -> Download:
    """Begin to fetch a clean bundle of the caller's organisation."""
    upload = make_upload(system, caller.actor, UploadState.CLEAN, content=CONTENT)
    download = Download(caller, upload)
    download.go_on(parts)
    return download


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("change", ENDS)
def test_a_download_is_cut(customer: Caller, system: System, change: Change, parts: int) -> None:
    download = begun(customer, system, parts)
    Halfway(system, customer.account, change)()
    came = len(download.body)
    download.is_cut("It may not be fetched any more")
    assert len(download.body) <= came + 100_000  # what had been read already
    (cut,) = deeds(system, "upload.download_cut")
    assert cut.actor_label == customer.account.email


@pytest.mark.parametrize("change", ENDS)
def test_a_download_has_no_last_piece(
    customer: Caller, system: System, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast it went: the last look is always one."""
    monkeypatch.setattr(guard, "FRESH", 0.0)
    monkeypatch.setattr(guard, "ROW_SECONDS", 3600.0)
    download = begun(customer, system)
    Halfway(system, customer.account, change)()
    download.is_cut("It may not be fetched any more")


@pytest.mark.usefixtures("small_steps")
def test_a_download_by_session_ends_with_it(by_cookie: ByCookie, system: System) -> None:
    download = begun(by_cookie, system)
    Halfway(system, by_cookie.account, signed_out)()
    download.is_cut("It may not be fetched any more")


@pytest.mark.usefixtures("small_steps")
def test_a_download_ends_with_the_issuer(
    machine: tuple[Caller, TokenIssuer], customer: Caller, system: System
) -> None:
    caller, issuer = machine
    download = begun(caller, system)
    Halfway(system, customer.account, lambda uow, _: issuers.disable(uow, issuer.id))()
    download.is_cut("It may not be fetched any more")


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize(("means", "change"), [("cookie", proved_anew), ("token", expired)])
def test_a_download_goes_on(
    customer: Caller, by_cookie: ByCookie, system: System, means: str, change: Change
) -> None:
    """With a session that is proved anew meanwhile, and a token that merely ran out."""
    caller = by_cookie if means == "cookie" else customer
    download = begun(caller, system)
    Halfway(system, caller.account, change)()
    assert download.finish() == CONTENT
