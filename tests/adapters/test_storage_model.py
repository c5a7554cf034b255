"""Any sequence of what senders, workers and crashes do: every store ends where the one in memory does."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain.errors import NotFoundError, StateConflictError
from tests.adapters.stores import Store, make_store
from tests.memory_storage import MemoryStorage

KEY = "organisation/upload"
MIB = 1024**2
# Around S3's smallest part, and the one that is collected here.
sizes = st.sampled_from([7, 1000, 3 * MIB, 5 * MIB, 8 * MIB + 1])


class Sending(RuleBasedStateMachine):
    """One upload; ``told`` are the offsets that its sender may know of, the newest last."""

    make: Any

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = self.make()
        self.model = MemoryStorage()
        self.told = [0]
        self.version: str | None = None
        self.letter = 0

    @precondition(lambda self: self.version is None)
    @rule(pieces=st.lists(sizes, min_size=1, max_size=2), back=st.booleans(), noted=st.booleans())
    def send(self, pieces: list[int], back: bool, noted: bool) -> None:
        """Append; from the offset before the last one, if the note of the last was lost."""
        if back and len(self.told) > 1:
            self.told.pop()
        start = self.told[-1]
        self.store.storage = self.store.another()
        for storage in (self.store.storage, self.model):
            letter = self.letter
            with storage.append(KEY, start) as sink:
                for size in pieces:
                    letter += 1
                    sink.write(memoryview(bytes([letter % 251]) * size))
                sink.sync()
                end = sink.offset
        self.letter = letter
        self.told = [start, end]
        if not noted:  # the sender begins there again
            self.told.pop()

    @precondition(lambda self: self.version is None)
    @rule(off_by=st.sampled_from([0, 0, 0, 1, -1]))
    def seal(self, off_by: int) -> None:
        size = self.told[-1] + off_by
        said = [self._said(storage, size) for storage in (self.model, self.store.storage)]
        assert type(said[0]) is type(said[1]), said
        if isinstance(said[1], str):
            self.version = said[1]

    @staticmethod
    def _said(storage: Any, size: int) -> object:
        try:
            return storage.seal(KEY, size)
        except NotFoundError as error:
            return error

    @precondition(lambda self: self.version is not None)
    @rule()
    def settle(self) -> None:
        assert self.version
        self.version = self.store.settle(KEY, self.version)

    @precondition(lambda self: self.version is not None)
    @rule()
    def a_late_writer_comes(self) -> None:
        for storage in (self.store.storage, self.model):
            with pytest.raises(StateConflictError), storage.append(KEY, self.told[-1]):
                pass

    @rule()
    def give_up(self) -> None:
        for storage in (self.store.storage, self.model):
            storage.delete(KEY)
        self.told, self.version = [0], None
        assert self.store.keys() == set()

    @precondition(lambda self: self.version is not None)
    @invariant()
    def the_same_is_read(self) -> None:
        assert self.store.version(KEY) == self.version
        with self.model.open(KEY)[0] as file:
            assert self.store.read(KEY) == file.read()


@pytest.mark.parametrize(
    "name",
    ["filesystem", *(pytest.param(name, marks=pytest.mark.long) for name in ("moto-versioned", "swift"))],
)
def test_every_store_does_what_the_model_does(name: str, request: pytest.FixtureRequest) -> None:
    with TemporaryDirectory() as directory:
        made = iter(range(10**6))

        def make() -> Store:
            return make_store(name, Path(directory) / str(next(made)), request)

        machine = type("Sending", (Sending,), {"make": staticmethod(make)})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=6 if name == "filesystem" else 3,
                stateful_step_count=12,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
