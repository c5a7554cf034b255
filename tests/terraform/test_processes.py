"""Containers run what there is to run, as the images are made, and scale by what the portal prints."""

import json
import re
from datetime import UTC, datetime
from typing import Final

from app.domain.jobs import QueueName
from app.domain.metrics import WAITING, Reading
from app.services import emf
from tests.terraform import given

_PROCESSES: Final = given.locals_of("ecs_containers.tf")["portal_processes"]
_DOCKERFILE: Final = (given.ROOT / "Dockerfile").read_text(encoding="utf-8")
_SCALING: Final = (given.TERRAFORM / "autoscaling.tf").read_text(encoding="utf-8")


def _commands() -> dict[str, list[str]]:
    """Return the command of each container, by its name."""
    found = re.findall(r"^    ([\w-]+) += \{.*?command += (\[.*?\])", _PROCESSES, re.MULTILINE | re.DOTALL)
    return {name: json.loads(command) for name, command in found}


def test_every_role_has_its_container() -> None:
    roles = {*QueueName, "scheduler", "gate"}
    commands = _commands()
    assert set(commands) == roles | {"web", "migrate"}
    for role in roles:
        assert commands[role] == ["python", "worker.py", role]
    assert commands["web"] == json.loads(re.findall(r"^CMD (.*)$", _DOCKERFILE, re.MULTILINE)[0])


def test_whoever_scans_waits_for_clamd_and_nobody_else_does() -> None:
    waiting = set(re.findall(r"^    ([\w-]+) += \{.*local\.after_clamd", _PROCESSES, re.MULTILINE))
    assert waiting == {QueueName.SCAN, QueueName.SCAN_LARGE, "gate"}


def test_containers_fit_the_image() -> None:
    """Its user, its authorities of the database, its directories: what else is mounted belongs to root."""
    containers = (given.TERRAFORM / "ecs_containers.tf").read_text(encoding="utf-8")
    told = given.locals_of("ecs_environment.tf")
    [user] = re.findall(r"^USER (\S+)$", _DOCKERFILE, re.MULTILINE)
    assert f'"{user}"' in containers
    [volumes] = re.findall(r"^VOLUME (.*)$", _DOCKERFILE, re.MULTILINE)
    assert all(f'"{path}"' in containers for path in json.loads(volumes))
    for local in ("database_authorities", "bundles_path"):
        path = told[local].split("\n")[0].strip().strip('"')
        assert re.search(rf"\s{re.escape(path)}\s", _DOCKERFILE), path
    [asked] = re.findall(r"health_command += (\[.*\])", containers)
    assert json.loads(asked)[1:] == ["python", "/app/docker/healthcheck.py"]
    assert (given.ROOT / "docker" / "healthcheck.py").exists()


def test_clamav_containers_run_what_is_in_their_image() -> None:
    worker = (given.TERRAFORM / "ecs_worker.tf").read_text(encoding="utf-8")
    folder = given.ROOT / "docker" / "clamav"
    commands = [json.loads(found) for found in re.findall(r"command += (\[.*\])", worker)]
    assert sorted(commands) == [
        ["CMD", "clamd-health"],
        ["signatures", "ensure"],
        ["signatures", "update"],
        ["start"],
    ]
    assert all((folder / name).exists() for name in ("clamd-health", "signatures", "start"))
    image = (folder / "Dockerfile").read_text(encoding="utf-8")
    [user] = re.findall(r"^USER (\S+)$", image, re.MULTILINE)
    assert f'"{user}"' in worker
    [volumes] = re.findall(r"^VOLUME (.*)$", image, re.MULTILINE)
    assert all(f'"{path}"' in worker for path in json.loads(volumes))


def test_workers_scale_by_a_metric_that_the_portal_prints() -> None:
    """CloudWatch keeps a metric for each set of dimensions: one too many or too few, and nothing scales."""
    [line] = emf.lines([Reading(WAITING, {("verdict",): 7.0})], "prod", datetime.now(UTC))
    printed = json.loads(line)
    [directive] = printed["_aws"]["CloudWatchMetrics"]
    [dimensions] = directive["Dimensions"]
    assert f'namespace   = "{directive["Namespace"]}"' in _SCALING
    assert f'metric_name = "{directive["Metrics"][0]["Name"]}"' in _SCALING
    [labels] = re.findall(r"for_each = merge\(local\.portal, \{ (.*?) \}\)", _SCALING)
    ours = {"environment": "var.environment", "service": '"diagport"'}
    [portal] = re.findall(
        r"  portal += \{ (.*?) \}", (given.TERRAFORM / "alarms.tf").read_text(encoding="utf-8")
    )
    asked = {**_pairs(portal), **_pairs(labels)}
    assert asked == ours | {"for": '"verdict"'}
    assert {name: printed[name] for name in dimensions} == {
        "environment": "prod",
        "service": "diagport",
        "for": "verdict",
    }


def _pairs(text: str) -> dict[str, str]:
    return dict(re.findall(r'"?(\w+)"? = ([^,]+?)(?:,|$)', text))
