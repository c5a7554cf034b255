"""Second factors, made as people make them: the services hand out nothing that is in use."""

from itertools import count

import pyotp

from app.domain.factors import Ceremony
from app.models import Account
from app.queries.accounts import actor_of
from app.services import challenges, passkey_making, recovery, totp
from app.system import System
from tests.factories.authenticator import Authenticator

_number = count(1)


class Phone:
    """An authenticator app whose clock a test sets: every code is of another step than the last one."""

    def __init__(self, secret: str) -> None:
        self.app = pyotp.TOTP(secret)

    def code(self, system: System, steps: int = 0) -> str:
        """Return the code of now by the database's clock, or of so many ``steps`` later."""
        return self.app.generate_otp(step_now(system) + steps)


def step_now(system: System) -> int:
    """Return the time step of RFC 6238 in which the database is."""
    with system.work() as uow:
        return (
            int(
                uow.session.connection()
                .exec_driver_sql("SELECT extract(epoch from clock_timestamp())")
                .scalar_one()
            )
            // 30
        )


def make_app(system: System, account: Account) -> Phone:
    """Give the account an authenticator app in use, no code of which has been taken."""
    with system.work() as uow:
        totp.propose(uow, account)
        proposed = totp.proposed(uow, account)
    assert proposed
    phone = Phone(proposed[0])
    with system.work() as uow:
        assert totp.confirm(uow, account, phone.code(system, -1))
    return phone


def make_codes(system: System, account: Account) -> list[str]:
    """Give the account recovery codes."""
    with system.work() as uow:
        return recovery.renew(uow, account)


def make_passkey(
    system: System, account: Account, authenticator: Authenticator | None = None
) -> Authenticator:
    """Give the account a passkey; return what holds its secret half."""
    authenticator = authenticator or Authenticator()
    with system.work(actor_of(account, "127.0.0.1")) as uow:
        challenge = challenges.issue(uow, Ceremony.REGISTER, account.id).challenge
        answer = authenticator.make(passkey_making.options(uow, account, challenge))
        passkey_making.register(uow, account, challenge, answer, f"Key {next(_number)}")
    return authenticator
