"""Proof that no check is blind: each finds what is spoilt for it in a state in which it found nothing."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from order import TASKS
from state import CHECKS, State

Document = dict[str, Any]
Spoil = Callable[[Document], None]


def _of(document: Document, kind: str, name: str | None = None) -> list[dict[str, Any]]:
    resources = document["values"]["root_module"]["resources"]
    return [
        r["values"]
        for r in resources
        if r["type"] == kind and name in {None, r["name"]} and r["mode"] == "managed"
    ]


def _set(kind: str, key: str, value: Any, name: str | None = None) -> Spoil:
    """Give every resource of that kind another value."""

    def spoil(document: Document) -> None:
        for values in _of(document, kind, name):
            values[key] = value

    return spoil


def _ask_nothing(service: str) -> Spoil:
    """Let it have no condition."""

    def spoil(document: Document) -> None:
        document["checks"] = [
            asked
            for asked in document["checks"]
            if asked["address"]["to_display"] != f"aws_ecs_service.{service}"
        ]

    return spoil


def _container(**changes: Any) -> Spoil:
    def spoil(document: Document) -> None:
        for values in _of(document, "aws_ecs_task_definition"):
            containers = json.loads(values["container_definitions"])
            values["container_definitions"] = json.dumps([container | changes for container in containers])

    return spoil


def _without(kind: str) -> Spoil:
    def spoil(document: Document) -> None:
        module = document["values"]["root_module"]
        module["resources"] = [r for r in module["resources"] if r["type"] != kind]

    return spoil


def _allow(action: str, role: str = "web") -> Spoil:
    """Let a role do something everywhere."""

    def spoil(document: Document) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        resource = {"address": f'aws_iam_role_policy.x["{role}"]', "type": "aws_iam_role_policy", "name": "x"}
        document["values"]["root_module"]["resources"].append(
            resource | {"mode": "managed", "values": {"policy": policy}}
        )

    return spoil


def _lead_out(plan: Document) -> None:
    for resource in plan["configuration"]["root_module"]["resources"]:
        if resource["type"] == "aws_route":
            resource["expressions"]["route_table_id"] = {"references": ["aws_route_table.data"]}


def _forget(address: str) -> Spoil:
    """Let nothing wait for it."""

    def spoil(plan: Document) -> None:
        for resource in plan["configuration"]["root_module"]["resources"]:
            resource["depends_on"] = [a for a in resource.get("depends_on", []) if a != address]

    return spoil


#: What is spoilt in a state. Of several, each must be found by itself.
SPOILS: dict[str, Spoil | tuple[Spoil, ...]] = {
    "no_right_is_a_wildcard": _allow("s3:GetObject", "worker"),
    "the_web_cannot_delete_or_tag": _allow("s3:DeleteObjectVersion"),
    "the_bucket_refuses_what_is_not_clean": _set("aws_s3_bucket_policy", "policy", '{"Statement": []}'),
    "the_schedule_can_read_itself": _set("aws_scheduler_schedule", "name", "another"),
    "roles_are_for_ours_alone": _set(
        "aws_iam_role",
        "assume_role_policy",
        '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}',
    ),
    "only_the_load_balancer_is_open": _set("aws_vpc_security_group_ingress_rule", "cidr_ipv4", "0.0.0.0/0"),
    "nobody_logs_in_by_shell_or_desktop": _set("aws_vpc_security_group_ingress_rule", "from_port", 1),
    "nothing_leaves_by_every_port": _set("aws_vpc_security_group_egress_rule", "cidr_ipv4", "0.0.0.0/0"),
    "plain_http_only_redirects": _set("aws_lb_listener", "ssl_policy", "ELBSecurityPolicy-2016-08"),
    "load_balancer_is_strict": _set("aws_lb", "drop_invalid_header_fields", False),
    "times_are_in_order": _set("aws_lb", "idle_timeout", 4000),
    "tasks_are_private": _set("aws_subnet", "map_public_ip_on_launch", True),
    "traffic_is_recorded": _set("aws_flow_log", "traffic_type", "REJECT"),
    "production_survives_a_zone": (
        _without("aws_nat_gateway"),
        _without("aws_rds_cluster_instance"),
        _set("aws_elasticache_replication_group", "multi_az_enabled", False),
        _set("aws_appautoscaling_target", "min_capacity", 1, "web"),
    ),
    "containers_are_locked_down": _container(user="root"),
    "no_secret_stands_in_the_open": _container(environment=[{"name": "DIAGPORT_SECRET_KEY", "value": "x"}]),
    "workers_wait_for_clamd": _container(dependsOn=[]),
    "releases_roll": _set("aws_ecs_service", "deployment_minimum_healthy_percent", 50),
    "a_release_that_ecs_takes_back_fails": tuple(map(_ask_nothing, ("web", "worker", "scheduler"))),
    "tasks_scale_within_bounds": _set("aws_appautoscaling_target", "min_capacity", 99),
    "buckets_are_closed": _set("aws_s3_bucket_public_access_block", "block_public_acls", False),
    "nothing_acknowledged_expires": _set(
        "aws_s3_bucket_lifecycle_configuration", "rule", [{"id": "x", "expiration": [{"days": 7}]}]
    ),
    "browsers_come_from_the_portal_alone": _set(
        "aws_s3_bucket_cors_configuration", "cors_rule", [{"allowed_origins": ["*"], "expose_headers": []}]
    ),
    "the_database_is_private_and_kept": _set("aws_rds_cluster_instance", "publicly_accessible", True),
    "production_is_not_removed_by_a_plan": (
        _set("aws_rds_cluster", "deletion_protection", False),
        _set("aws_rds_cluster", "skip_final_snapshot", True),
        _set("aws_lb", "enable_deletion_protection", False),
    ),
    "redis_keeps_its_jobs": _set("aws_elasticache_parameter_group", "parameter", []),
    "the_file_system_is_entered_by_its_doors": _set(
        "aws_efs_access_point", "posix_user", [{"uid": 0, "gid": 0}]
    ),
    "backups_are_made": _set("aws_backup_plan", "rule", []),
    "logs_are_kept_and_encrypted": _set("aws_cloudwatch_log_group", "retention_in_days", 7),
    "what_aws_logs_by_itself_goes_to_groups_of_ours": _set(
        "aws_cloudwatch_log_group", "name", "x", "insights"
    ),
    "the_budget_counts_everything": (
        _set("aws_budgets_budget", "cost_filter", [{"name": "TagKeyValue", "values": ["x"]}]),
        _set(
            "aws_budgets_budget",
            "notification",
            [{"notification_type": "x", "subscriber_sns_topic_arns": []}],
        ),
    ),
    "alarms_reach_somebody": _set("aws_cloudwatch_metric_alarm", "ok_actions", []),
    "topics_and_queues_are_encrypted": _set("aws_sns_topic", "kms_master_key_id", None),
    "everything_says_whose_it_is": _set("aws_kms_key", "tags_all", {}),
}


#: What is spoilt in the code that a plan tells of.
SPOILS_OF_CODE: dict[str, Spoil | tuple[Spoil, ...]] = {
    "data_subnets_have_no_way_out": _lead_out,
    "tasks_start_when_all_is_there": tuple(
        map(_forget, sorted(TASKS | {"aws_iam_role_policy.scheduler", "terraform_data.migrate"}))
    ),
    "target_groups_are_used_before_services": _forget("aws_lb_listener_rule.portal"),
    "what_aws_logs_by_itself_goes_to_groups_of_ours": _forget("aws_cloudwatch_log_group.insights"),
}


def blind(document: Document, plan: Document, environment: str) -> list[str]:
    """Return the checks that find nothing in what was spoilt for them."""
    unseen = []
    for name, check in CHECKS.items():
        spoils = [(spoil, True) for spoil in _each(SPOILS.get(name, ()))]
        spoils += [(spoil, False) for spoil in _each(SPOILS_OF_CODE.get(name, ()))]
        if not spoils:
            unseen.append(f"{name} (nothing is spoilt for it)")
        for number, (spoil, in_state) in enumerate(spoils, 1):
            spoilt, code = deepcopy(document), deepcopy(plan)
            spoil(spoilt if in_state else code)
            try:
                found = any(check(State(spoilt, code, environment)))
            except (AssertionError, KeyError, ValueError):
                found = True
            if not found and not (name.startswith("production_") and environment != "prod"):
                unseen.append(f"{name} (spoil {number})")
    return unseen


def _each(spoils: Spoil | tuple[Spoil, ...]) -> tuple[Spoil, ...]:
    return spoils if isinstance(spoils, tuple) else (spoils,)
