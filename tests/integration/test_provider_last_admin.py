"""T11: of admins whom their provider takes away at the same moment, one stays."""

from app.domain.errors import ForbiddenError
from app.domain.policy import Role
from app.services import identities
from app.system import System
from tests.factories.people import make_account
from tests.integration.looking import race
from tests.oidc.hostile import Hostile
from tests.oidc.test_claims import STAFF
from tests.oidc.world import change, known


def test_of_two_at_once_one_stays(committed: System) -> None:
    """Both are admins no more, says the provider, at the same moment."""
    provider = known(committed, Hostile(), "staff", for_staff=True, mapping=STAFF)
    said = []
    for name in ("one", "two"):
        change(committed, make_account(committed, Role.ADMIN), email=f"{name}@example.com")
        said.append(
            {"sub": name, "email": f"{name}@example.com", "email_verified": True, "groups": "support"}
        )

    def act() -> Role:
        with committed.work() as uow:
            return identities.find(uow, provider, said.pop()).role

    outcomes = race(2, act)
    assert [one for one in outcomes if not isinstance(one, Exception)] == [Role.ENGINEER]
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [ForbiddenError]
