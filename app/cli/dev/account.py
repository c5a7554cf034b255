"""Whom a service runs as: PostgreSQL refuses root, and nobody should parse viruses as root."""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from stat import S_IXOTH


@dataclass(frozen=True)
class Account:
    """A system user that we, being root, become for one service."""

    name: str
    group: str
    reaches: bool  # whether the user may walk to its data without help

    @property
    def options(self) -> list[str]:
        """The options of setpriv that switch to this user."""
        options = ["--reuid", self.name, "--regid", self.group, "--init-groups"]
        if not self.reaches:  # a repository below /root: keep the one capability that opens the way
            options += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
        return options


def account(name: str, directory: Path) -> Account | None:
    """Whom to become for data in `directory`; None when we are not root and stay who we are.

    Raises:
        KeyError: the Debian package that makes the user is not installed.
    """
    if os.geteuid() != 0:
        return None
    reaches = all(parent.stat().st_mode & S_IXOTH for parent in directory.resolve().parents)
    return Account(name, str(pwd.getpwnam(name).pw_gid), reaches)


def private(directory: Path, owner: Account | None) -> Path:
    """Make a directory that only its owner may enter, and return it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        shutil.chown(directory, owner.name)
    return directory
