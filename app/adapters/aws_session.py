"""Who the portal is at AWS: the one place where boto3's sessions come from.

boto3 is imported when it is first needed: it costs every process 25 MB and a fifth of a second.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.aws_roles import role_of
from app.settings import Settings

if TYPE_CHECKING:
    from boto3.session import Session

_NAME: Final = "diagport"  # of the sessions of a role, as CloudTrail shows them
#: STS gives a role to a role for an hour at most. What is left of it must outlast every address that is
#: signed with it, of which the longest lives 15 minutes: nothing is signed with less than 20 left, and a
#: new hour is fetched, without anybody waiting, from 30 on. botocore's own 10 and 15 would not do. The
#: task's own it renews at 15, as long as such an address lives.
MUST_REFRESH: Final = 20 * 60  # seconds
MAY_REFRESH: Final = 30 * 60


@dataclass(frozen=True, slots=True)
class Identity:
    """A role to take on, or with None the task's own; ``endpoint`` is that of a stand-in for STS."""

    role: str | None = None
    endpoint: str | None = None

    @classmethod
    def at(cls, settings: Settings, category: str, service: str) -> "Identity":
        """Return who the settings say we are at a service."""
        return cls(role_of(settings.aws_roles_map, category, service), settings.aws_endpoint)


OWN: Final = Identity()  # of the task


def session(identity: Identity, region: str | None = None) -> "Session":
    """Return a session with the credentials of ``identity``; a role is taken on when it is first needed.

    ``region``: where STS is asked if the environment does not say where we are ourselves.
    """
    from boto3.session import Session

    return Session(botocore_session=_assuming(identity, region)) if identity.role else Session()


def _assuming(identity: Identity, region: str | None) -> Any:
    import botocore.session
    from botocore import credentials
    from botocore.exceptions import NoCredentialsError

    own = botocore.session.get_session()
    # STS has a private address in our own region alone; that ECS tells of the region, boto3 does not see.
    here = own.get_config_variable("region") or os.environ.get("AWS_REGION") or region

    def ask_sts(service: str, **keys: Any) -> Any:
        return own.create_client(service, region_name=here, endpoint_url=identity.endpoint, **keys)

    class Assumed(credentials.DeferredRefreshableCredentials):
        _advisory_refresh_timeout = MAY_REFRESH
        _mandatory_refresh_timeout = MUST_REFRESH

    class Provider(credentials.CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> credentials.Credentials:
            """Return what takes on the role, and does so again before it ends."""
            source = own.get_credentials()
            if source is None:
                raise NoCredentialsError
            fetcher = credentials.AssumeRoleCredentialFetcher(
                ask_sts,
                source,
                identity.role or "",
                {"RoleSessionName": _NAME},
                expiry_window_seconds=MAY_REFRESH,  # or it hands out the old ones until 15 minutes are left
            )
            return Assumed(fetcher.fetch_credentials, self.METHOD)

    other = botocore.session.get_session()
    other.register_component("credential_provider", credentials.CredentialResolver([Provider()]))
    return other
