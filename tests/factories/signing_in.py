"""What accounts sign in with, straight into the tables."""

from datetime import timedelta

from sqlalchemy import func

from app.domain.factors import LinkPurpose
from app.models import (
    Account,
    Identity,
    IdentityProvider,
    OrganisationDomain,
    Passkey,
    PasskeyChallenge,
    PendingSignIn,
    ProviderSignIn,
    RecoveryCode,
    TokenIssuer,
    Totp,
)
from app.services import links, tries
from app.system import System
from tests.factories.people import make_machine, make_organisation


def make_everything_of(system: System, account: Account) -> None:
    """Give the account one of everything that somebody can sign in with, and a failed try."""
    home = make_organisation(system)
    machine = make_machine(system, home.id)
    soon = func.now() + timedelta(minutes=5)
    provider = IdentityProvider(slug="staff", name="Staff", issuer="https://id.example", client_id="diagport")
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="example.org", organisation_id=home.id))
        uow.session.add(provider)
        uow.session.flush()
        uow.session.add_all(
            [
                Totp(account_id=account.id, secret="sealed"),
                RecoveryCode(account_id=account.id, code_hash="0" * 64),
                Passkey(
                    account_id=account.id,
                    name="Key",
                    credential_id=b"id",
                    public_key=b"key",
                    transports=[],
                    backed_up=False,
                ),
                PasskeyChallenge(
                    account_id=account.id, purpose="register", challenge=b"sign me", expires_at=soon
                ),
                PendingSignIn(account_id=account.id, factor="password", target="/", expires_at=soon),
                Identity(account_id=account.id, provider_id=provider.id, subject="1"),
                ProviderSignIn(
                    provider_id=provider.id,
                    state_hash="1" * 64,
                    browser_hash="2" * 64,
                    nonce="nonce",
                    verifier="verifier",
                    target="/",
                    expires_at=soon,
                ),
                TokenIssuer(
                    account_id=machine.id,
                    name="CI",
                    issuer="https://ci.example",
                    audience="diagport",
                    client_id="build",
                    jwks_url="https://ci.example/jwks",
                    algorithms=["RS256"],
                    scopes=["uploads:write"],
                ),
            ]
        )
        links.issue(uow, account, LinkPurpose.INVITATION)
        tries.begin(uow, tries.Kind.SIGN_IN, account.email, "127.0.0.1")


def make_provider_identity(system: System, account: Account, name: str) -> None:
    """Let the account's owner sign in through a provider of that name."""
    provider = IdentityProvider(slug="home", name=name, issuer="https://id.example", client_id="diagport")
    with system.work() as uow:
        uow.session.add(provider)
        uow.session.flush()
        uow.session.add(Identity(account_id=account.id, provider_id=provider.id, subject="1"))
