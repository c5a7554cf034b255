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


class Ceremony(StrEnum):
    """What a passkey is asked to sign for (WebAuthn calls it a ceremony)."""

    REGISTER = "register"
    SIGN_IN = "sign_in"  # by itself: whose passkey it is, it says
    SECOND = "second"
    CONFIRM = "confirm"  # who somebody is, once more
