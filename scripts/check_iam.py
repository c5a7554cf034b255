"""Look through every policy of a state or plan with parliament.

Usage: check_iam.py STATE.json, as `terraform show -json` printed it. Needs parliament (.venv-infra). Exit
status: 0 when nothing was found, 1 otherwise, or when a state has no policy at all (a plan may not yet
know them).
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ATTRIBUTES = ("policy", "assume_role_policy", "access_policy", "json")
# Documents in policies' clothes: they are no IAM policies.
NO_POLICIES = frozenset({"aws_ecr_lifecycle_policy", "aws_efs_backup_policy"})


# What parliament holds against a policy, wrongly: whose policy, which finding, words in it.
MISTAKEN = (
    # Who may assume a role is said without naming the role: AWS takes no Resource there.
    (r"\.assume_role_policy$", "MALFORMED", ""),
    # The policy of a key is about that key, and knows no other name for it than "*".
    (r"^(module\.[^.]+\.)*aws_kms_(replica_)?key\..*\.policy$", "RESOURCE_STAR", ""),
    # A number to AWS, and "1.2" is one; parliament knows whole numbers alone. It goes with every request.
    (r"^(module\.[^.]+\.)*aws_s3_bucket_policy\.", "MISMATCHED_TYPE", "s3:TlsVersion"),
    (r"^(module\.[^.]+\.)*aws_s3_bucket_policy\.", "UNKNOWN_CONDITION_FOR_ACTION", "s3:TlsVersion"),
)


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the resources of ``module`` and of all inside it."""
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def policies(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what each policy belongs to, and its text."""
    values = document.get("planned_values") or document.get("values") or {}
    for resource in resources(values.get("root_module", {})):
        if resource["mode"] != "managed" or resource["type"] in NO_POLICIES:
            continue
        for attribute in ATTRIBUTES:
            text = resource["values"].get(attribute)
            if isinstance(text, str) and '"Statement"' in text:
                yield f"{resource['address']}.{attribute}", text


def mistaken(where: str, issue: str, detail: str) -> bool:
    """Say whether this is one of the findings that are none."""
    return any(
        re.search(whose, where) and issue == kind and words in detail for whose, kind, words in MISTAKEN
    )


def trouble(where: str, text: str) -> list[str]:
    """Return a line for each finding in one policy."""
    from parliament import analyze_policy_string  # the rest is tested without it

    found = {
        f"{where}: {finding.issue} {finding.detail}"
        for finding in analyze_policy_string(text).findings
        if not mistaken(where, finding.issue, str(finding.detail))
    }
    return sorted(found)


def main() -> int:
    document = json.loads(Path(sys.argv[1]).read_bytes())
    count, found = 0, []
    for where, text in policies(document):
        count += 1
        found += trouble(where, text)
    for line in found:
        print(line)
    print(f"{count} policies, {len(found)} findings")
    return 1 if found or (not count and "values" in document) else 0


if __name__ == "__main__":
    sys.exit(main())
