"""The protocol as a model: whatever is asked in whichever order, offsets, lengths and ends agree. F23."""

import hashlib
from dataclasses import dataclass
from functools import partial
from random import Random

import hypothesis
import pytest
from hypothesis import HealthCheck, assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.bundle.content import problem_of
from app.domain.lifecycle import STORED
from app.models import Upload
from app.settings import Settings
from app.system import System
from tests.factories.bundles import make_tgz
from tests.web.callers import Caller
from tests.web.looks import uploads
from tests.web.tus import PATCH_TYPE, Tus, metadata

CONTENT = make_tgz({"var/log/messages": Random(9).randbytes(5_000)})
NAME = {"Upload-Metadata": metadata(filename="a.tgz")}


@dataclass
class Expected:
    """What the model knows of one upload or part."""

    tus: Tus
    part: bool
    length: int | None  # as declared
    offset: int = 0
    gone: bool = False  # ended without being complete
    joined: bool = False

    @property
    def content(self) -> bytes:
        return self.tus.content

    @property
    def complete(self) -> bool:
        return self.offset == self.length

    @property
    def open(self) -> bool:
        return not (self.gone or self.joined or self.complete)


class Protocol(RuleBasedStateMachine):
    def __init__(self, caller: Caller, system: System) -> None:
        super().__init__()
        self.caller, self.system = caller, system
        self.known: list[Expected] = []
        self.wholes: dict[str, str] = {}  # place -> SHA-256
        self.before = {upload.id for upload in uploads(system)}

    def some(self, number: int, *, part: bool | None = None) -> Expected:
        fit = [one for one in self.known if part is None or one.part is part]
        assume(fit)
        return fit[number % len(fit)]

    @rule(part=st.booleans(), deferred=st.booleans(), edges=st.tuples(st.integers(0, 4), st.integers(0, 4)),
          first=st.none() | st.integers(1, len(CONTENT)))  # fmt: skip
    def create(self, part: bool, deferred: bool, edges: tuple[int, int], first: int | None) -> None:
        start, stop = sorted(edge * len(CONTENT) // 4 for edge in edges) if part else (0, len(CONTENT))
        assume(start < stop)
        tus = Tus(self.caller, CONTENT[start:stop])
        headers = {"Upload-Defer-Length": "1"} if deferred else {"Upload-Length": str(stop - start)}
        headers |= NAME | ({"Upload-Concat": "partial"} if part else {})
        body = tus.content[:first] if first else b""
        answer = tus.ask("POST", "/tus", headers | ({"Content-Type": PATCH_TYPE} if body else {}), data=body)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(body)))
        tus.place = answer.location
        self.known.append(Expected(tus, part, None if deferred else stop - start, len(body)))

    @rule(number=st.integers(0), size=st.integers(0, len(CONTENT)), off=st.sampled_from([0, 0, 0, 1, -1]),
          tell=st.booleans())  # fmt: skip
    def patch(self, number: int, size: int, off: int, tell: bool) -> None:
        """``off`` the right offset; ``tell`` the length with it."""
        one = self.some(number)
        start = max(one.offset + off, 0)
        stop = min(start + size, len(one.content))
        tell = tell and one.length is None
        headers = {"Upload-Length": str(len(one.content))} if tell else {}
        answer = one.tus.patch(start, max(start, stop), headers=headers)
        if one.gone or one.joined:
            assert answer.status_code == 410
        elif one.complete and not one.part:
            assert answer.status_code == (200 if start == one.offset else 410)
        elif start != one.offset:
            assert answer.status_code == 409
        else:
            one.offset, one.length = max(start, stop), len(one.content) if tell else one.length
            assert answer.status_code == (200 if one.complete and not one.part else 204)
            assert answer.headers["Upload-Offset"] == str(one.offset)

    @rule(number=st.integers(0))
    def terminate(self, number: int) -> None:
        one = self.some(number)
        assert one.tus.delete().status_code == (409 if one.joined else 204)
        one.gone = one.gone or not one.joined

    @rule(numbers=st.lists(st.integers(0), min_size=1, max_size=3))
    def join(self, numbers: list[int]) -> None:
        parts = [self.some(number, part=True) for number in numbers]
        assume(len({id(part) for part in parts}) == len(parts))
        urls = " ".join(part.tus.place for part in parts)
        answer = Tus(self.caller).ask("POST", "/tus", NAME | {"Upload-Concat": f"final;{urls}"})
        joined = b"".join(part.content for part in parts)
        if any(part.joined or part.gone or not part.complete for part in parts):
            assert answer.status_code in {201, 409, 410}
            assert answer.status_code != 201 or answer.location in self.wholes
        elif problem_of(joined):
            assert answer.status_code == 415
            for part in parts:
                part.gone = True
        else:
            assert answer.status_code == 201
            for part in parts:
                part.joined = True
            self.wholes[answer.location] = hashlib.sha256(joined).hexdigest()

    @invariant()
    def head_agrees(self) -> None:
        for one in self.known[-3:]:
            answer = one.tus.head()
            assert answer.status_code == (410 if one.gone else 200)
            if not one.gone:
                assert answer.headers["Upload-Offset"] == str(one.offset)
                assert answer.headers.get("Upload-Length") == (str(one.length) if one.length else None)

    @invariant()
    def sealed_is_what_was_sent(self) -> None:
        sealed = {f"/tus/{row.id}": row.sha256 for row in self.rows() if row.state in STORED}
        expected = {
            one.tus.place: hashlib.sha256(one.content).hexdigest()
            for one in self.known
            if one.complete and not one.part and not one.gone
        }
        assert sealed == expected | self.wholes

    def rows(self) -> list[Upload]:
        return [upload for upload in uploads(self.system) if upload.id not in self.before]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_open_uploads": 10_000})  # all examples have one sender


def test_the_protocol_is_what_the_model_says(customer: Caller, system: System) -> None:
    run_state_machine_as_test(
        partial(Protocol, customer, system),  # type: ignore[arg-type]  # it only calls it
        settings=hypothesis.settings(
            max_examples=7, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
