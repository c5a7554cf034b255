"""Who works at the shell."""

import os
import pwd
from contextlib import AbstractContextManager
from dataclasses import replace

from flask import current_app

from app.domain.policy import SYSTEM
from app.system import System
from app.uow import UnitOfWork


def system() -> System:
    """Return the process's settings, adapters and database."""
    system: System = current_app.extensions["diagport"]
    return system


def work() -> AbstractContextManager[UnitOfWork]:
    """Open a unit of work as the system, for whoever typed the command: the trail names them."""
    return system().work(replace(SYSTEM, means="command line", on_behalf_of=_name()))


def _name() -> str:
    """Return the name that the operating system has for who runs this process, however they became it."""
    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # containers run as users that nobody gave a name
        return f"user {user}"
