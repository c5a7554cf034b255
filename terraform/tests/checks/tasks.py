"""What runs, and what it is told."""

import re
from collections.abc import Iterator

from state import State, check

_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|_KEYS$|REDIS_URL|DATABASE_URL")
_PINNED = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9/-]+:(?!latest$)[\w.-]+$")


@check
def containers_are_locked_down(state: State) -> Iterator[str]:
    """Read-only root, a user that is not root, a pinned image, logs, declared mounts, no privileges."""
    for task, container in state.containers():
        name = f"{task.name}/{container['name']}"
        if not container.get("readonlyRootFilesystem"):
            yield f"{name}: its root can be written"
        if container.get("user", "root").split(":")[0] in {"", "0", "root"}:
            yield f"{name}: user {container.get('user')}"
        if not _PINNED.match(container["image"]):
            yield f"{name}: image {container['image']}"
        if container.get("logConfiguration", {}).get("logDriver") != "awslogs":
            yield f"{name}: no logs"
        if container.get("privileged") or container.get("linuxParameters", {}).get("capabilities", {}).get(
            "add"
        ):
            yield f"{name}: privileges"
        volumes = {volume["name"] for volume in task["volume"] or []}
        for mount in container.get("mountPoints", []):
            if mount["sourceVolume"] not in volumes:
                yield f"{name}: mounts {mount['sourceVolume']}, which there is not"


@check
def no_secret_stands_in_the_open(state: State) -> Iterator[str]:
    """What looks like a secret comes from Secrets Manager or an encrypted parameter of this environment."""
    for task, container in state.containers():
        name = f"{task.name}/{container['name']}"
        for variable in container.get("environment", []):
            if _SECRET.search(variable["name"]):
                yield f"{name}: {variable['name']} stands in plain"
        for secret in container.get("secrets", []):
            source = secret["valueFrom"]
            parameter = f"parameter/{_project(state)}/{state.environment}/"
            if ":secretsmanager:" not in source and parameter not in source:
                yield f"{name}: {secret['name']} comes from {source}"
    for parameter in state.all("aws_ssm_parameter"):
        if parameter["type"] != "SecureString" or not parameter["key_id"]:
            yield f"{parameter.address} is not encrypted with our key"


@check
def workers_wait_for_clamd(state: State) -> Iterator[str]:
    """Signatures, then clamd, then who scans; clamd has room for two sets of signatures."""
    containers = {c["name"]: c for task, c in state.containers() if task.name == "worker"}
    for name in ("scan", "scan-large", "gate"):
        depends = {d["containerName"]: d["condition"] for d in containers[name].get("dependsOn", [])}
        if depends.get("clamd") != "HEALTHY":
            yield f"{name} does not wait for a healthy clamd"
    clamd = containers["clamd"]
    if {d["containerName"]: d["condition"] for d in clamd["dependsOn"]}.get("clamav-init") != "SUCCESS":
        yield "clamd does not wait for signatures"
    if (clamd.get("memory") or 0) < 3072 or not clamd.get("healthCheck"):
        yield f"clamd: memory {clamd.get('memory')}, health check {bool(clamd.get('healthCheck'))}"


@check
def releases_roll(state: State) -> Iterator[str]:
    """Web and worker: 100/200 %, circuit breaker, waited for; the scheduler never runs twice."""
    for name in ("web", "worker"):
        service = state.one("aws_ecs_service", name)
        bounds = service["deployment_minimum_healthy_percent"], service["deployment_maximum_percent"]
        breaker = service.block("deployment_circuit_breaker")
        if bounds != (100, 200) or not (breaker.get("enable") and breaker.get("rollback")):
            yield f"{name}: {bounds}, {breaker}"
        if not service["wait_for_steady_state"]:
            yield f"{name} is not waited for"
    scheduler = state.one("aws_ecs_service", "scheduler")
    bounds = scheduler["deployment_minimum_healthy_percent"], scheduler["deployment_maximum_percent"]
    if bounds != (0, 100) or scheduler["desired_count"] != 1:
        yield f"scheduler: {bounds}, {scheduler['desired_count']} of them"


@check
def a_release_that_ecs_takes_back_fails(state: State) -> Iterator[str]:
    """Waiting ends when the old release is steady again, too: a condition asks which one runs."""
    for service in state.all("aws_ecs_service"):
        if not state.held(service):
            yield f"{service.name} may run another release than was asked for"


@check
def tasks_scale_within_bounds(state: State) -> Iterator[str]:
    """Six policies; the least is not more than the most."""
    policies = {policy.name for policy in state.all("aws_appautoscaling_policy")}
    wanted = {"web_cpu", "web_memory", "web_requests", "worker_cpu", "worker_memory", "worker_backlog"}
    if policies != wanted:
        yield f"policies: {sorted(policies ^ wanted)}"
    for target in state.all("aws_appautoscaling_target"):
        if not 1 <= target["min_capacity"] <= target["max_capacity"]:
            yield target.address


def _project(state: State) -> str:
    return str(state.one("aws_ecs_cluster", "this")["name"]).removesuffix(f"-{state.environment}")
