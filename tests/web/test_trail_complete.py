"""T13, I9: every request that changes something leaves a row: who, by what means, from where, which request.

`tests.audited` looks at each transaction of each test for what is changed and not told. Here every unsafe
route of the access matrix that takes a token is asked once, with success.
"""

from typing import Final

import pytest
from flask import Flask, g
from flask.wrappers import Response
from sqlalchemy import select

from app.domain.policy import Role
from app.models import AuditEvent
from app.system import System
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import make_manager
from tests.factories.requests import SAFE, make_target, request_for
from tests.web.callers import Caller

_WHO = ("admin", "customer", "manager")
_DONE = frozenset({200, 201, 204, 303})

#: What changes nothing that a row would tell of, and why.
TELL_NOTHING: Final = {
    ("POST", "/t"): "sends whoever typed a ticket's code to its page",
    ("POST", "/sign-in/second"): "sends back to the beginning whoever has not begun",
    ("POST", "/sign-in/passkey/options"): "hands out a challenge; what is made of it is told",
}


def _asker(statuses: dict[str, int]) -> str | None:
    """Return somebody who succeeds with a token; None where that takes a person, or another storage."""
    return next((who for who in _WHO if statuses[who] in _DONE), None)


ROUTES = [
    pytest.param(method, rule, who, id=f"{method} {rule}")
    for (method, rule), statuses in sorted(read_matrix().items())
    if method not in SAFE and (who := _asker(statuses)) and (method, rule) not in TELL_NOTHING
]


@pytest.mark.parametrize(("method", "rule", "who"), ROUTES)
def test_a_change_leaves_a_row_of_its_request(
    app: Flask, system: System, method: str, rule: str, who: str
) -> None:
    customer = Caller(app, system)
    home = customer.account.organisation_id
    people = {
        "customer": customer,
        "admin": Caller(app, system, Role.ADMIN),
        "manager": Caller(app, system, account=make_manager(system, home)),
    }
    request_ids: list[str] = []

    @app.after_request
    def note(response: Response) -> Response:
        request_ids.append(g.request_id)
        return response

    target = make_target(system, customer.actor, rule)
    answer = people[who].ask(**request_for(method, rule, target))
    assert answer.status_code in _DONE
    (request_id,) = request_ids
    with system.work() as uow:
        rows = uow.session.scalars(select(AuditEvent).where(AuditEvent.request_id == request_id)).all()
    assert rows, "nothing tells of it"
    for row in rows:
        assert (row.address, row.organisation_id) == ("127.0.0.1", home)
        assert row.means
        if rule.startswith("/unsubscribe/"):  # whoever has the mail
            assert (row.actor_id, row.account_id) == (None, customer.account.id)
            assert row.means == "link in a mail"
        elif not rule.startswith("/t/"):
            assert (row.actor_id, row.actor_role) == (people[who].account.id, people[who].account.role)
            assert row.means.startswith("token dgp_")
        else:  # with a ticket in the address one acts as nobody else
            assert row.means.startswith("ticket ")
            assert row.on_behalf_of


def test_what_is_said_to_change_nothing_is_there() -> None:
    assert set(TELL_NOTHING) <= set(read_matrix())
