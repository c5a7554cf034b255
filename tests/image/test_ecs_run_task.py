"""scripts/ecs-run-task.sh: what each end of a task becomes, with an aws that says what a test wants."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.image.aws_play import ARGUMENTS, STARTED, TASK, Play, unknown_to_aws
from tests.live import eventually


def is_now(status: str, **container: Any) -> dict[str, Any]:
    """Return DescribeTasks's answer; a container that did not end has no exit code."""
    others = {"name": "other", "exitCode": 9}
    stopped = {"stoppedReason": "Essential container in task exited"} if status == "STOPPED" else {}
    return {
        "tasks": [{"lastStatus": status, **stopped, "containers": [others, {"name": "migrate"} | container]}]
    }


def missing() -> dict[str, Any]:
    return {"tasks": [], "failures": [{"arn": TASK, "reason": "MISSING"}]}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_it_waits_for_the_end_and_shows_the_log(play: Play) -> None:
    looks = [is_now("PROVISIONING"), is_now("RUNNING"), is_now("STOPPED", exitCode=0)]
    code, out, errors = play.run({"describe-tasks": looks})
    assert code == 0, errors
    assert out == "Running upgrade 0016 -> 0017,\ttold walls\ndone\n"
    assert errors.splitlines()[-1] == "ecs-run-task.sh: migrate has ended well"
    (start,) = play.calls("run-task")
    assert start["network-configuration"] == (
        "awsvpcConfiguration={subnets=[subnet-1,subnet-2],securityGroups=[sg-1],assignPublicIp=DISABLED}"
    )
    (log,) = play.calls("get-log-events")
    assert log["log-stream-name"] == "ecs/migrate/0123abcd"
    assert len(play.calls("describe-tasks")) == 3


@pytest.mark.parametrize("ended", [1, 3, 137])
def test_the_containers_own_exit_code_is_handed_on(play: Play, ended: int) -> None:
    code, out, errors = play.run({"describe-tasks": [is_now("STOPPED", exitCode=ended)]})
    assert code == ended
    assert errors.splitlines()[-1] == f"ecs-run-task.sh: migrate ended with {ended}"
    assert "done" in out


def test_a_task_that_stopped_before_its_container_ran(play: Play) -> None:
    stopped = is_now("STOPPED", reason="CannotPullContainerError: no such image")
    code, _, errors = play.run({"describe-tasks": [is_now("PENDING"), stopped]})
    assert code == 3
    assert "CannotPullContainerError: no such image; the task: Essential container" in errors


@pytest.mark.parametrize(
    "answer",
    [
        {"tasks": [], "failures": [{"arn": "arn", "reason": "MISSING"}]},
        {"error": "(AccessDeniedException) when calling the RunTask operation: not authorized"},
        {"error": "(ClusterNotFoundException) when calling the RunTask operation: Cluster not found."},
    ],
)
def test_what_cannot_be_started_is_not_waited_for(play: Play, answer: dict[str, Any]) -> None:
    code, _, errors = play.run({"run-task": [answer]})
    assert code == 3
    assert "the task was not started" in errors
    assert len(play.calls("run-task")) == 1


def test_every_call_is_one_that_aws_knows(play: Play) -> None:
    assert play.run({"describe-tasks": [is_now("RUNNING")]}, "--time-limit", "0")[0] == 124
    for operation in (
        "run-task",
        "describe-tasks",
        "stop-task",
        "describe-task-definition",
        "get-log-events",
    ):
        (call,) = play.calls(operation)
        service = "logs" if operation == "get-log-events" else "ecs"
        assert unknown_to_aws(service, operation, call) == set()


def test_what_may_start_in_a_moment_is_started_once(play: Play) -> None:
    """The token makes one task of all attempts, even if an answer was lost on the way."""
    starts: list[dict[str, Any]] = [
        {"error": "(ThrottlingException) when calling the RunTask operation: Rate exceeded"},
        {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]},
        {"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]},
        STARTED,
    ]
    code, _, errors = play.run({"run-task": starts, "describe-tasks": [is_now("STOPPED", exitCode=0)]})
    assert code == 0, errors
    tokens = {options["client-token"] for options in play.calls("run-task")}
    assert (len(play.calls("run-task")), len(tokens)) == (4, 1)
    assert len(tokens.pop()) <= 64


def test_no_room_for_a_task_until_the_limit(play: Play) -> None:
    code, _, errors = play.run(
        {"run-task": [{"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]}]}, "--time-limit", "0"
    )
    assert code == 3
    assert "not started within 0 seconds: RESOURCE:ENI" in errors


def test_looks_that_fail_are_repeated(play: Play) -> None:
    throttled = {"error": "(ThrottlingException) when calling the DescribeTasks operation: Rate exceeded"}
    looks = [missing(), throttled, is_now("RUNNING"), throttled, is_now("STOPPED", exitCode=0)]
    assert play.run({"describe-tasks": looks})[0] == 0


def test_a_task_that_is_out_of_sight_is_no_success(play: Play) -> None:
    code, _, errors = play.run({"describe-tasks": [is_now("RUNNING"), missing()]})
    assert code == 4
    assert f"which may still run: {TASK}" in errors
    assert len(play.calls("describe-tasks")) == 7


def test_after_the_limit_the_task_is_stopped(play: Play) -> None:
    code, out, errors = play.run({"describe-tasks": [is_now("RUNNING")]}, "--time-limit", "0")
    assert code == 124
    (stop,) = play.calls("stop-task")
    assert stop["task"] == TASK
    assert "done" in out
    assert errors.splitlines()[-1].endswith(f"longer than 0 seconds and was told to stop: {TASK}")


def test_a_log_that_cannot_be_read_changes_nothing(play: Play) -> None:
    refused = {"error": "(AccessDeniedException) when calling this operation: not authorized"}
    for unreadable in ({"get-log-events": [refused]}, {"describe-task-definition": [refused]}):
        code, out, _ = play.run({"describe-tasks": [is_now("STOPPED", exitCode=5)], **unreadable})
        assert (code, out) == (5, "")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_stops_waiting_and_says_that_the_task_goes_on(
    play: Play, number: signal.Signals
) -> None:
    process = play.start({"describe-tasks": [is_now("RUNNING")]})
    eventually(lambda: len(play.calls("describe-tasks")) > 1, "it to wait")
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert (
        errors.splitlines()[-1] == f"ecs-run-task.sh: told to stop by {number.name}; the task goes on: {TASK}"
    )
    assert play.calls("stop-task") == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ARGUMENTS[2:],
        [*ARGUMENTS, "--time-limit"],
        [*ARGUMENTS, "--time-limit", "soon"],
        [*ARGUMENTS, "--time-limit", ""],
        [*ARGUMENTS, "--colour", "red"],
    ],
)
def test_wrong_arguments(play: Play, arguments: list[str]) -> None:
    process = play.start({}, arguments=arguments)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "ecs-run-task.sh --cluster C --task-definition T" in errors
    assert play.calls("run-task") == []
