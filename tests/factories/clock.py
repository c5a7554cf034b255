"""Another time than the database's, for what is decided by the clock on somebody's wall."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from app.queries import clock


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` wherever the time is read through `queries.clock`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda _session: moment)
        yield
