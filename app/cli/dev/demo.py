"""The demo accounts, and the file that tells their passwords and tokens."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from app.cli.operator import work
from app.domain.policy import Role
from app.queries import accounts as accounts_query
from app.services import accounts, tokens
from app.uow import UnitOfWork

Work = Callable[[], AbstractContextManager[UnitOfWork]]

_PEOPLE = (
    ("customer@acme.example", "Ada of Acme", Role.CUSTOMER, "acme"),
    ("customer@globex.example", "Gil of Globex", Role.CUSTOMER, "globex"),
    ("engineer@diagport.example", "Erin, support", Role.ENGINEER, None),
    ("admin@diagport.example", "Alex, admin", Role.ADMIN, None),
)


def install_demo(path: Path, url: str, mail_url: str, work: Work = work) -> None:
    """Create the accounts that are missing and write their file (mode 600).

    Passwords and tokens cannot be read back from the database, so the file that an earlier
    start wrote is kept and only its addresses are renewed.
    """
    known = {entry["email"]: entry for entry in _read(path)}
    entries = [
        known.get(email) or _create(work, email, name, role, organisation)
        for email, name, role, organisation in _PEOPLE
    ]
    _write(path, {"url": url, "mail": mail_url, "accounts": entries})


def _read(path: Path) -> list[dict[str, str]]:
    try:
        entries: list[dict[str, str]] = json.loads(path.read_text())["accounts"]
    except (FileNotFoundError, ValueError, KeyError):
        return []
    return entries


def _create(work: Work, email: str, name: str, role: Role, organisation: str | None) -> dict[str, str]:
    password = secrets.token_urlsafe(15)
    with work() as uow:
        account = accounts_query.by_email(uow.session, email)
        if account is None:
            home = accounts.ensure_organisation(uow, organisation) if organisation else None
            account = accounts.create(
                uow, email=email, name=name, role=role, password=password, organisation=home
            )
        else:  # the file was lost
            accounts.set_password(uow, account, password)
        token = tokens.issue(uow, account, "demo")
    entry = {"role": role.value, "email": email, "password": password, "token": token}
    return entry | ({"organisation": organisation} if organisation else {})


def _write(path: Path, content: dict[str, object]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1)
