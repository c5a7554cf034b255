"""`flask users create`: people, from a shell."""

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from app.domain.policy import Role
from app.models import Account
from app.queries import accounts
from app.services import passwords, tokens
from app.system import System
from tests.factories.mailbox import link_in, send_all
from tests.fakes import FakeMailer

PASSWORD = "correct horse battery"


def create(app: Flask, *arguments: str, password: str = PASSWORD) -> tuple[int, str]:
    """Run the command, typing the password twice; return its exit status and what it printed."""
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    result = CliRunner().invoke(
        flask, ["users", "create", *arguments], input=f"{password}\n{password}\n", prog_name="flask"
    )
    return result.exit_code, result.output


def known(system: System, email: str) -> Account | None:
    with system.work() as uow:
        return accounts.by_email(uow.session, email)


def test_a_customer_and_their_organisation(app: Flask, system: System) -> None:
    status, output = create(
        app, "ann@acme.example", "--role", "customer", "--organisation", "acme", "--token"
    )
    assert status == 0, output
    account = known(system, "Ann@ACME.example")
    assert account
    assert (account.role, account.name) == (Role.CUSTOMER, "ann")
    assert account.organisation
    assert account.organisation.slug == "acme"
    assert passwords.verify(PASSWORD, account.password_hash)
    assert PASSWORD not in output
    token = output.split()[-1]
    with system.work() as uow:
        held = accounts.by_token(uow.session, tokens.digest(token))
    assert held
    assert held[1].id == account.id


@pytest.mark.parametrize("role", ["engineer", "admin"])
def test_staff(app: Flask, system: System, role: str) -> None:
    status, output = create(app, "erin@example.com", "--role", role)
    assert status == 0, output
    account = known(system, "erin@example.com")
    assert account
    assert (account.role, account.organisation_id) == (role, None)
    assert "dgp_" not in output


@pytest.mark.parametrize(
    ("arguments", "password", "complaint"),
    [
        (("--role", "customer"), PASSWORD, "A customer belongs to an organisation"),
        (("--role", "engineer", "--organisation", "acme"), PASSWORD, "A customer belongs to an organisation"),
        (("--role", "customer", "--organisation", "A C!"), PASSWORD, "short name"),
        (("--role", "engineer"), "eleven char", "12 to 256"),
        (("--role", "engineer"), "new@example.com", "your mail address"),
        (("--role", "engineer"), "iloveyou1234", "attackers try first"),
        (("--role", "engineer"), "x" * 257, "12 to 256"),
        (("--role", "root"), PASSWORD, "'root' is not one of"),
    ],
)
def test_what_will_not_do_leaves_nothing(
    app: Flask, system: System, arguments: tuple[str, ...], password: str, complaint: str
) -> None:
    status, output = create(app, "new@example.com", *arguments, password=password)
    assert status != 0
    assert complaint in output
    assert "Traceback" not in output
    assert known(system, "new@example.com") is None


def test_an_invitation_instead_of_a_password(app: Flask, system: System, mailer: FakeMailer) -> None:
    """ASVS 6.4.6: whoever runs the command chooses nobody's password."""
    status, output = create(app, "erin@example.com", "--role", "admin", "--invite")
    assert (status, output) == (0, "Invited admin erin@example.com.\n"), output
    account = known(system, "erin@example.com")
    assert account
    assert (account.password_hash, account.activated_at) == (None, None)
    (mail,) = send_all(system, mailer)
    assert mail.to == "erin@example.com"
    assert link_in(mail).startswith("/activate/")
    for more in (("--password", PASSWORD), ("--token",)):
        status, output = create(app, "erik@example.com", "--role", "admin", "--invite", *more)
        assert (status, "--invite goes without" in output) == (2, True)
        assert known(system, "erik@example.com") is None


@pytest.mark.parametrize("email", ["nobody", "a b@example.com", "a@b\nBcc: c@d", "@", "x" * 250 + "@y.de"])
def test_what_is_no_address(app: Flask, email: str) -> None:
    status, output = create(app, email, "--role", "engineer")
    assert status == 1
    assert "is not a mail address" in output


def test_an_address_is_taken_whatever_its_case(app: Flask) -> None:
    assert create(app, "ann@example.com", "--role", "engineer")[0] == 0
    status, output = create(app, "ANN@example.com", "--role", "admin")
    assert status == 1
    assert "already an account" in output
