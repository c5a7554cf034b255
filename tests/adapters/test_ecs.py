"""Protection of an ECS task: what is asked of a small agent, how often, and that nothing depends on it."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from app.adapters.ecs import TaskProtection
from tests.adapters.hook_sink import Answer, HookSink, answer, hang_up, never_answer

WORDS = "task_not_protected"


@pytest.fixture
def agent() -> Iterator[HookSink]:
    with HookSink() as sink:
        sink.answer = says({"protection": {"ProtectionEnabled": True, "TaskArn": "arn:aws:ecs:::task/x"}})
        yield sink


@pytest.fixture
def protection(agent: HookSink) -> TaskProtection:
    return TaskProtection(f"http://127.0.0.1:{agent.port}/api/7e57")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Give a way to let seconds pass."""
    passed = 0.0
    clock = time.monotonic

    def let_pass(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr("app.adapters.ecs.time.monotonic", lambda: clock() + passed)
    return let_pass


def says(document: object, status: int = 200) -> Answer:
    def give(to: BaseHTTPRequestHandler) -> None:
        body = json.dumps(document).encode()
        to.send_response(status)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    return give


def test_it_is_asked_for_as_ecs_wants_it_once_a_minute(
    agent: HookSink,
    protection: TaskProtection,
    later: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # leads out into the world, where no agent is
    protection.renew()
    protection.renew()
    later(61)
    protection.renew()
    assert [(got.method, got.path) for got in agent.got] == [
        ("PUT", "/api/7e57/task-protection/v1/state")
    ] * 2
    assert json.loads(agent.got[0].body) == {"ProtectionEnabled": True, "ExpiresInMinutes": 3}
    assert agent.got[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "broken",
    [
        says({"failure": {"Reason": "DEPLOYMENT_BLOCKED"}}),  # a release waits for the protected tasks to end
        says({"error": {"Code": "AccessDeniedException"}}, 400),
        says({"error": {"Code": "ServerException"}}, 500),
        says([]),
        answer(200),  # no JSON
        hang_up,
    ],
    ids=["refused", "forbidden", "broken", "a list", "no JSON", "hangs up"],
)
def test_a_failure_is_told_once_and_changes_nothing(
    agent: HookSink,
    protection: TaskProtection,
    later: Callable[[float], None],
    caplog: pytest.LogCaptureFixture,
    broken: Answer,
) -> None:
    working, agent.answer = agent.answer, broken
    for _ in range(3):
        protection.renew()
        later(61)
    assert len(agent.got) == 3, "it is asked again"
    assert caplog.text.count(WORDS) == 1
    agent.answer = working
    protection.renew()
    later(61)
    agent.answer = broken
    protection.renew()
    assert caplog.text.count(WORDS) == 2, "a new trouble is told again"


def test_who_never_answers_is_waited_for_two_seconds(
    agent: HookSink, protection: TaskProtection, caplog: pytest.LogCaptureFixture
) -> None:
    agent.answer = never_answer
    began = time.monotonic()
    protection.renew()
    assert time.monotonic() - began < 10
    assert caplog.text.count(WORDS) == 1


def test_nobody_there_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with HookSink() as gone:
        port = gone.port
    TaskProtection(f"http://127.0.0.1:{port}").renew()
    assert caplog.text.count(WORDS) == 1


@pytest.mark.parametrize("agent_uri", ["", "169.254.170.2", "file:///etc/passwd"])
def test_only_an_address_is_one(agent_uri: str) -> None:
    with pytest.raises(ValueError, match="ECS_AGENT_URI"):
        TaskProtection(agent_uri)
