"""By what people prove who they are."""

from enum import StrEnum


class Factor(StrEnum):
    PASSWORD = "password"  # noqa: S105  # its name
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"  # two factors in one, if the device asked for a PIN or a finger
    PROVIDER = "provider"  # an identity provider said so (OIDC)


class LinkPurpose(StrEnum):
    """What a mailed link lets its reader do."""

    INVITATION = "invitation"
    RESET = "reset"
