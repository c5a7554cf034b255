"""How the portal signs in to its database: one address, or its parts as a vault of secrets gives them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, FilePath, PositiveInt, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


def _unless_blank(value: Any) -> Any:
    """A variable that is set to nothing is one that is not set."""
    return None if value == "" else value


Said = BeforeValidator(_unless_blank)
Text = Annotated[str | None, Said]
Secret = Annotated[SecretStr | None, Said]


class DatabaseParts(BaseSettings):
    """The parts of an address, each of which may be missing."""

    model_config = SettingsConfigDict(
        env_prefix="DIAGPORT_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_host: Text = None
    database_port: PositiveInt = 5432
    database_name: Text = None
    database_user: Text = None
    database_password: Secret = None
    database_sslrootcert: Annotated[FilePath | None, Said] = None  # with it the server must prove its name


class DatabaseSettings(DatabaseParts):
    """``database_url`` is always there: as it was said, or made of its parts."""

    # postgresql+psycopg://...; declared after the parts, so that its validator sees them
    database_url: SecretStr = Field(default=SecretStr(""), validate_default=True)

    @field_validator("database_url")
    @classmethod
    def _one_address(cls, value: SecretStr, given: ValidationInfo) -> SecretStr:
        wrong = not set(DatabaseParts.model_fields) <= set(given.data)
        return value if wrong else one_address(value, given.data)  # what is wrong is said already


def one_address(url: SecretStr | None, parts: Mapping[str, Any]) -> SecretStr:
    """Return ``url``, or what is made of `DatabaseParts`.

    Raises:
        ValueError: neither is there, both are, or only some of the parts.
    """
    names = ("database_host", "database_name", "database_user", "database_password")
    said = [name for name in names if parts[name] is not None]
    missing = [name for name in names if name not in said]
    if url and url.get_secret_value():
        if said:
            raise ValueError(f"DIAGPORT_DATABASE_URL says it all: leave out {variables(said)}")
        return url
    if not said:
        raise ValueError(f"set DIAGPORT_DATABASE_URL, or all of {variables(missing)}")
    if missing:
        raise ValueError(f"set {variables(missing)} too, or DIAGPORT_DATABASE_URL in place of all parts")
    return address(parts, parts["database_user"], parts["database_password"])


def address(parts: Mapping[str, Any], user: str, password: SecretStr) -> SecretStr:
    """Return the address by which ``user`` reaches the database that `DatabaseParts` tell of.

    With a root certificate the connection is encrypted, and the server's name compared with that in its
    certificate (libpq, sslmode=verify-full).
    """
    root = parts["database_sslrootcert"]
    url = URL.create(
        "postgresql+psycopg",
        user,
        password.get_secret_value(),
        parts["database_host"],
        parts["database_port"],
        parts["database_name"],
        query={"sslmode": "verify-full", "sslrootcert": str(root)} if root else {},
    )
    return SecretStr(url.render_as_string(hide_password=False))


def variables(fields: list[str]) -> str:
    """Name settings as they are called in the environment."""
    return ", ".join(f"DIAGPORT_{name.upper()}" for name in fields)
