"""Who may do what."""

import json
from collections.abc import Iterator
from typing import Any

from state import Resource, State, check, listed

_KEY_POLICIES = {"aws_kms_key", "aws_kms_key_policy", "aws_kms_external_key"}
_NEED_EVERYTHING = (  # AWS knows no resource for them
    "ssmmessages:",
    "ecr:GetAuthorizationToken",
    "logs:DescribeLogGroups",
    "logs:StopQuery",
)
_WRITES = ("s3:DeleteObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:DeleteObjectTagging")


@check
def no_right_is_a_wildcard(state: State) -> Iterator[str]:
    """No action is `*`; the resource `*` only where AWS knows no other, and in a key's own policy."""
    for resource, statement in state.statements():
        if statement["Effect"] != "Allow" or resource.type in _KEY_POLICIES:
            continue
        actions = [str(action) for action in listed(statement.get("Action", []))]
        if any(action in {"*", "iam:*", "s3:*", "kms:*"} for action in actions):
            yield f"{resource.address}: {actions}"
        everywhere = "*" in listed(statement.get("Resource", [])) and not statement.get("Condition")
        if everywhere and not all(action.startswith(_NEED_EVERYTHING) for action in actions):
            yield f"{resource.address}: {actions} on everything"


@check
def the_web_cannot_delete_or_tag(state: State) -> Iterator[str]:
    """The web's role has no right to delete or tag objects, nor to write outside incoming/."""
    for resource, statement in _of_role(state, "web"):
        actions = [str(action) for action in listed(statement.get("Action", []))]
        if statement["Effect"] == "Allow" and any(action.startswith(_WRITES) for action in actions):
            yield f"{resource.address}: {actions}"
        if "s3:PutObject" in actions and not all("/incoming/" in r for r in listed(statement["Resource"])):
            yield f"{resource.address}: writes to {statement['Resource']}"


@check
def the_bucket_refuses_what_is_not_clean(state: State) -> Iterator[str]:
    """The uploads bucket denies the web untagged objects and any tagging, and everybody plain HTTP."""
    policies = {
        p["bucket"]: json.loads(p["policy"]) for p in state.all("aws_s3_bucket_policy") if p["policy"]
    }
    uploads = state.one("aws_s3_bucket", "uploads")["id"]
    denied = [s for s in policies[uploads]["Statement"] if s["Effect"] == "Deny"]
    text = json.dumps(denied)
    if "s3:ExistingObjectTag/scan-status" not in text:
        yield "objects that were not proven clean can be read"
    if "s3:PutObjectTagging" not in text:
        yield "tags can be changed"
    for bucket in state.all("aws_s3_bucket"):
        policy = json.dumps(policies.get(bucket["id"], {}))
        if "aws:SecureTransport" not in policy:
            yield f"{bucket.address} takes plain HTTP"


@check
def roles_are_for_ours_alone(state: State) -> Iterator[str]:
    """A role that a service takes on names our account as the source, against the confused deputy."""
    for role in state.all("aws_iam_role"):
        for statement in json.loads(role["assume_role_policy"])["Statement"]:
            services = listed(statement.get("Principal", {}).get("Service", []))
            if "ecs-tasks.amazonaws.com" in services and "aws:SourceAccount" not in json.dumps(statement):
                yield f"{role.address} can be taken on from elsewhere"


@check
def the_schedule_can_read_itself(state: State) -> Iterator[str]:
    """Its role may use the key for that schedule, by what AWS promises: the context, not the service."""
    schedule = state.one("aws_scheduler_schedule", "freshclam")
    name = f":schedule/{schedule['group_name']}/{schedule['name']}"
    context = "kms:EncryptionContext:aws:scheduler:schedule:arn"
    policy = json.loads(state.one("aws_iam_role_policy", "scheduler")["policy"])
    of_key = [s for s in policy["Statement"] if "kms:Decrypt" in listed(s["Action"])]
    if not any(str(s["Condition"].get("StringEquals", {}).get(context, "")).endswith(name) for s in of_key):
        yield f"no key for {name}"
    if any("kms:ViaService" in json.dumps(s["Condition"]) for s in of_key):
        yield "the key only by way of a service"


def _of_role(state: State, key: str) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for resource, statement in state.statements():
        named = f'"{key}"' in resource.address or key in resource.name.split("_")
        if resource.type == "aws_iam_role_policy" and named:
            yield resource, statement
