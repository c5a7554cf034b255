"""Two organisations that have one of everything, in a database that the portal enters as it should."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from app.cli.dev.postgres import portal_url
from app.cli.dev.services import Services
from app.db import Database
from app.domain.factors import LinkPurpose
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import (
    Account,
    Base,
    Identity,
    IdentityProvider,
    OrganisationDomain,
    Passkey,
    PasskeyChallenge,
    PendingSignIn,
    RecoveryCode,
    TokenIssuer,
    Totp,
    Upload,
)
from app.queries.accounts import actor_of
from app.services import links, sign_in, tokens, tries
from app.services.tickets import Issued
from app.system import System
from tests.factories.people import make_account, make_machine, make_manager, make_organisation
from tests.factories.tickets import issue_ticket
from tests.factories.told import make_told
from tests.factories.uploads import make_upload
from tests.live import clone_database

TABLES = {table.name: table for table in Base.metadata.sorted_tables}


@dataclass(frozen=True)
class House:
    """One organisation: a customer, a manager, a machine, a ticket, and uploads."""

    slug: str
    organisation_id: UUID
    customer: Account
    manager: Account
    machine: Account
    ticket: Issued
    uploads: tuple[Upload, ...]
    token_id: UUID
    session_id: UUID

    @property
    def actor(self) -> Actor:
        return actor_of(self.customer, "127.0.0.1")

    @property
    def needles(self) -> tuple[str, ...]:
        """What names it or anything of its own, and must be on nobody else's page."""
        assert self.customer.organisation
        people = (self.customer, self.manager, self.machine)
        ids = (self.organisation_id, self.ticket.seen.ticket.id, self.ticket.seen.ticket.case_id)
        return (
            self.slug,
            f"secret-of-{self.slug}",
            f"CASE-{self.slug.upper()}",
            *(person.email for person in people),
            *(str(one) for one in (*ids, self.token_id, self.session_id)),
            *(str(person.id) for person in people),
            *(str(upload.id) for upload in self.uploads),
        )


@contextmanager
def portals_database(services: Services, template: str, name: str) -> Iterator[Database]:
    """Give a database of its own, and the way in that a well set up portal has."""
    database = Database.connect(portal_url(clone_database(services, template, name)), pool_size=1)
    yield database
    database.engine.dispose()


def build(system: System, slug: str, states: Iterable[UploadState]) -> House:
    """Make an organisation through the services, with an upload in each of ``states``."""
    customer = make_account(system, organisation=make_organisation(system, slug))
    home = customer.organisation_id
    assert home
    actor = actor_of(customer, "127.0.0.1")
    uploads = tuple(
        make_upload(system, actor, state, filename=f"secret-of-{slug}.tgz", case=f"CASE-{slug.upper()}")
        for state in states
    )
    make_told(system, customer, uploads[0])
    with system.work(actor) as uow:
        session = sign_in.begin(uow, customer, user_agent=f"secret-of-{slug}")
    return House(
        slug,
        home,
        customer,
        make_manager(system, home),
        machine := make_machine(system, home),
        issue_ticket(system, f"CASE-{slug.upper()}", home),
        uploads,
        _means(system, customer, machine),
        session.id,
    )


def _means(system: System, account: Account, machine: Account) -> UUID:
    """Give the account one of everything that somebody signs in with; return its token's id."""
    soon = func.now() + timedelta(minutes=5)
    slug = account.organisation.slug if account.organisation else ""
    with system.work() as uow:
        provider = uow.session.scalar(select(IdentityProvider)) or IdentityProvider(
            slug="staff", name="Staff", issuer="https://id.example", client_id="diagport"
        )
        uow.session.add(provider)
        uow.session.flush()
        key: dict[str, Any] = {"transports": [], "backed_up": False, "public_key": b"key"}
        issuer = {"issuer": "https://ci.example", "jwks_url": "https://ci.example/jwks"}
        uow.session.add_all(
            [
                OrganisationDomain(domain=f"{slug}.example", organisation_id=account.organisation_id),
                Totp(account_id=account.id, secret="sealed"),
                RecoveryCode(account_id=account.id, code_hash=slug),
                Passkey(account_id=account.id, name=slug, credential_id=slug.encode(), **key),
                PasskeyChallenge(account_id=account.id, purpose="register", challenge=b"x", expires_at=soon),
                PendingSignIn(account_id=account.id, factor="password", target="/", expires_at=soon),
                Identity(account_id=account.id, provider_id=provider.id, subject=slug),
                TokenIssuer(
                    account_id=machine.id,
                    name=slug,
                    audience="diagport",
                    client_id=slug,
                    algorithms=["RS256"],
                    scopes=["uploads:write"],
                    **issuer,
                ),
            ]
        )
        links.issue(uow, account, LinkPurpose.INVITATION)
        tries.begin(uow, tries.Kind.SIGN_IN, account.email, "127.0.0.1")
        tokens.issue(uow, account, f"secret-of-{slug}", token_id=(token_id := uuid4()))
    return token_id


def two_houses(
    system: System, database: Database, states: Iterable[UploadState] = tuple(UploadState)
) -> tuple[System, House, House]:
    """Return a portal on ``database`` and what is in it."""
    own = replace(system, database=database)
    make_account(own, Role.ENGINEER)
    return own, build(own, "ours", states), build(own, "theirs", states)
