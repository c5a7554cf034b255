"""Stop a plan that would destroy what holds data.

Reads what `terraform show -json PLAN` prints. Exit status: 0 when the plan may go on, 1 when it would
destroy, replace or forget something stateful that nobody allowed by its address, 2 when the file is no
finished plan. Standard library only: pipelines run this before anything is installed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

# What cannot be made again from this repository: data and what saves it, keys, names and subscriptions that
# others hold, logs that must be kept.
STATEFUL = frozenset(
    {
        "aws_backup_plan",
        "aws_backup_selection",
        "aws_backup_vault",
        "aws_backup_vault_lock_configuration",
        "aws_cloudwatch_log_group",
        "aws_db_instance",
        "aws_dynamodb_table",
        "aws_ecr_repository",
        "aws_efs_access_point",
        "aws_efs_file_system",
        "aws_elasticache_cluster",
        "aws_elasticache_replication_group",
        "aws_elasticache_serverless_cache",
        "aws_kms_key",
        "aws_kms_replica_key",
        "aws_lb",
        "aws_rds_cluster",
        "aws_rds_cluster_instance",
        "aws_s3_bucket",
        "aws_s3_bucket_versioning",
        "aws_secretsmanager_secret",
        "aws_sns_topic",
        "aws_sqs_queue",
        "aws_ssm_parameter",
        "random_password",
    }
)


def losses(plan: dict[str, Any]) -> dict[str, str]:
    """Map the address of each stateful thing that ``plan`` would lose to what would happen to it."""
    found = {}
    for change in plan.get("resource_changes", []):
        what = _loss(change["change"]["actions"])
        if change["type"] in STATEFUL and what:
            found[change["address"]] = what
    for change in plan.get("resource_drift", []):
        # Gone already, by another hand: an apply would put an empty one in its place.
        if change["type"] in STATEFUL and change["change"]["actions"] == ["delete"]:
            found[change["address"]] = "no longer exists in the account; an empty one would be made"
    return found


def _loss(actions: list[str]) -> str | None:
    if "delete" in actions:
        return "would be replaced by an empty one" if "create" in actions else "would be destroyed"
    return "would be forgotten: it stays, and nobody looks after it" if "forget" in actions else None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, help="what `terraform show -json` printed")
    parser.add_argument(
        "--allow", default="", metavar="ADDRESSES", help="addresses that may be lost, with spaces between"
    )
    given = parser.parse_args(arguments)
    try:
        plan = json.loads(given.plan.read_bytes())
        usable = "format_version" in plan and not plan.get("errored", False)
    except (OSError, ValueError, TypeError) as error:
        print(f"{given.plan} cannot be read: {error}", file=sys.stderr)
        return 2
    if not usable:
        print(f"{given.plan} is not a finished plan", file=sys.stderr)
        return 2
    found, allowed = losses(plan), set(given.allow.split())
    for address, what in sorted(found.items()):
        print(f"{'allowed' if address in allowed else 'STOPPED'}: {address} {what}")
    for address in sorted(allowed - set(found)):
        print(f"not needed: {address} is not lost by this plan")
    if found.keys() - allowed:
        print("Nothing is applied. To allow it, start the deployment by hand and name these addresses.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
