"""Whom migrations sign in as, and how patient they are. They run without the portal's other settings."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from app.database_settings import DatabaseParts, Secret, Text, address, one_address, variables


class MigrationSettings(DatabaseParts):
    """The tables' owner is named in ``migration_url``, or in its two parts beside the portal's own.

    Where neither is said, the portal's login owns the tables.
    """

    migration_url: Secret = None
    migration_user: Text = None
    migration_password: Secret = None
    migration_lock_timeout: float = Field(default=2.0, gt=0, le=60)  # seconds that one statement may wait
    database_url: Secret = None
    database_login: Text = None  # the portal's, where ``database_user`` does not say it

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        self.owner_url()
        return self

    @property
    def login(self) -> str | None:
        """Whom the portal signs in as, if it is somebody else than the owner."""
        return self.database_login or (self.database_user if self._has_owner else None)

    @property
    def password(self) -> SecretStr | None:
        """What the portal's login shall have, if that is said."""
        return self.database_password if self._has_owner else None

    @property
    def _has_owner(self) -> bool:
        return bool(self.migration_url or self.migration_user)

    def owner_url(self) -> str:
        """Return the address for migrations.

        Raises:
            ValueError: it is not said, or only half.
        """
        owner = {name: getattr(self, name) for name in ("migration_user", "migration_password")}
        there = {name: getattr(self, name) for name in ("database_host", "database_name")}
        if self.migration_url:
            if any(owner.values()):
                raise ValueError(f"DIAGPORT_MIGRATION_URL says it all: leave out {variables(list(owner))}")
            return self.migration_url.get_secret_value()
        if not any(owner.values()):
            return one_address(self.database_url, self.model_dump()).get_secret_value()
        if missing := [name for name, value in {**owner, **there}.items() if not value]:
            raise ValueError(f"set {variables(missing)} too, or DIAGPORT_MIGRATION_URL in place of all parts")
        return address(
            self.model_dump(), owner["migration_user"], owner["migration_password"]
        ).get_secret_value()
