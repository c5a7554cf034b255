"""What is there before what needs it: values alone do not always say so."""

import json
from collections.abc import Iterator
from typing import Final

from state import Resource, State, check

#: What a task cannot start without: leave to pull and to read secrets, a way out, doors of stores, mounts.
TASKS: Final = frozenset(
    {
        "aws_iam_role_policy.execution",
        "aws_route.app",
        "aws_vpc_security_group_egress_rule.https",
        "aws_vpc_security_group_egress_rule.store",
        "aws_vpc_security_group_ingress_rule.store",
        # Signatures lie on the file system; bundles too, with storage_backend = "efs".
        "aws_efs_mount_target.shared",
        "aws_iam_role_policy.mount",
    }
)


@check
def tasks_start_when_all_is_there(state: State) -> Iterator[str]:
    """Services and the schedule wait for what tasks need, services for the database, too."""
    for service in state.all("aws_ecs_service"):
        yield from _missing(state, service, TASKS | {"terraform_data.migrate"})
    for schedule in state.all("aws_scheduler_schedule"):
        yield from _missing(state, schedule, TASKS | {"aws_iam_role_policy.scheduler"})


@check
def target_groups_are_used_before_services(state: State) -> Iterator[str]:
    """ECS refuses a target group that no rule forwards to: services wait for the rules, not the listener."""
    rules = [r for r in state.all("aws_lb_listener_rule") if "forward" in json.dumps(r["action"])]
    if not rules:
        yield "no rule forwards to anybody"
    for service in state.all("aws_ecs_service"):
        for balancer in service["load_balancer"] or []:
            group = balancer["target_group_arn"]
            wanted = {f"{r.type}.{r.name}" for r in rules if group in json.dumps(r["action"])}
            if not wanted:
                yield f"{service.address}: nobody sends requests to its target group"
            yield from _missing(state, service, frozenset(wanted))


def _missing(state: State, resource: Resource, wanted: frozenset[str]) -> Iterator[str]:
    for address in sorted(wanted - state.waits_for(resource)):
        yield f"{resource.address} does not wait for {address}"
