"""Running scripts/ecs-run-task.sh against tests/image/fake_aws.py."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session

from app.cli.dev import ROOT

SCRIPT = ROOT / "scripts" / "ecs-run-task.sh"
TASK = "arn:aws:ecs:eu-west-1:000000000000:task/portal/0123abcd"
STARTED = {"tasks": [{"taskArn": TASK}], "failures": []}
DEFINITION = {
    "taskDefinition": {
        "containerDefinitions": [
            {"name": "other"},
            {
                "name": "migrate",
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/portal/migrate", "awslogs-stream-prefix": "ecs"},
                },
            },
        ]
    }
}
LOG = {"events": [{"message": "Running upgrade 0016 -> 0017,\ttold walls"}, {"message": "done"}]}
ARGUMENTS = ["--cluster", "portal", "--task-definition", "portal-migrate:7", "--subnets", "subnet-1,subnet-2"]
ARGUMENTS += ["--security-groups", "sg-1", "--container", "migrate"]


class Play:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        aws = directory / "aws"
        aws.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_aws.py")}" "$@"\n'
        )
        aws.chmod(0o755)

    def start(
        self, answers: dict[str, list[dict[str, Any]]], *more: str, arguments: list[str] = ARGUMENTS
    ) -> "subprocess.Popen[str]":
        rest = {
            "run-task": [STARTED],
            "stop-task": [{"task": {}}],
            "describe-task-definition": [DEFINITION],
            "get-log-events": [LOG],
        }
        (self._directory / "answers.json").write_text(json.dumps(rest | answers))
        (self._directory / "calls.jsonl").unlink(missing_ok=True)
        # A shell cannot take back a signal that was ignored before it began, as nohup ignores HUP.
        return subprocess.Popen(
            ["/usr/bin/env", "--default-signal=HUP,INT", SCRIPT, *arguments, *more],
            env={
                "PATH": f"{self._directory}:{os.environ['PATH']}",
                "AWS_PLAY": str(self._directory),
                "ECS_RUN_TASK_INTERVAL": "0.01",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, answers: dict[str, list[dict[str, Any]]], *more: str) -> tuple[int, str, str]:
        process = self.start(answers, *more)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out, errors

    def calls(self, operation: str) -> list[dict[str, str]]:
        log = self._directory / "calls.jsonl"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [options for name, options in calls if name == operation]


def unknown_to_aws(service: str, operation: str, options: dict[str, str]) -> set[str]:
    """Return the options that are no parameters of the operation, and those that it needs besides."""
    model = botocore.session.get_session().get_service_model(service)
    shape: Any = model.operation_model(
        "".join(part.capitalize() for part in operation.split("-"))
    ).input_shape
    given = {re.sub(r"-(.)", lambda found: found[1].upper(), option) for option in options}
    return (given - {"query", "output"} - set(shape.members)) | (set(shape.required_members) - given)
