"""A process that dies at one step, played in this one: nothing that would tidy up runs."""

from collections.abc import Callable
from typing import Any

import pytest

Arrange = Callable[[pytest.MonkeyPatch], None]


class Killed(BaseException):
    """The process is gone."""


def before(owner: Any, name: str) -> Arrange:
    """Die when ``owner.name`` is called."""

    def arrange(patch: pytest.MonkeyPatch) -> None:
        def die(*_args: object, **_kwargs: object) -> None:
            raise Killed

        patch.setattr(owner, name, die)

    return arrange


def after(owner: Any, name: str) -> Arrange:
    """Die when ``owner.name`` has done its work."""

    def arrange(patch: pytest.MonkeyPatch) -> None:
        whole = getattr(owner, name)

        def work_and_die(*args: Any, **kwargs: Any) -> None:
            whole(*args, **kwargs)
            raise Killed

        patch.setattr(owner, name, work_and_die)

    return arrange
