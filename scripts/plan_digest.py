"""Print the SHA-256 of what a plan would do, so that what is applied is what was reviewed.

Usage: plan_digest.py PLAN.json VERSION.json

Reads what `terraform show -json PLAN` and `terraform version -json` print. Two plans have the same digest
when a reader of their text cannot tell them apart: the same resources, actions, values before and after;
and when the same versions of the same providers made them. What an update leaves as it is does not count:
it moves by itself (how many tasks run just now), and Terraform hides it. Sensitive values are left out, as
Terraform leaves them out of the text, so the digest may be shown to anybody.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def digest(plan: dict[str, Any], providers: dict[str, str]) -> str:
    """Return 64 hexadecimal digits; raises ValueError for a plan that did not finish.

    ``providers`` is address -> version, of those that planned.
    """
    if "format_version" not in plan or plan.get("errored", False):
        raise ValueError("not a finished plan")
    resources = [
        {
            "address": item["address"],
            "deposed": item.get("deposed"),
            "previous": item.get("previous_address"),
            **_change(item["change"]),
        }
        for item in plan.get("resource_changes", [])
        if item["change"]["actions"] != ["no-op"]
    ]
    outputs = {
        name: _change(change)
        for name, change in plan.get("output_changes", {}).items()
        if change["actions"] != ["no-op"]
    }
    said = {
        "resources": sorted(resources, key=lambda item: json.dumps(item, sort_keys=True)),
        "outputs": outputs,
        "providers": providers,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _change(change: dict[str, Any]) -> dict[str, Any]:
    same = _unchanged(change)
    said = {
        "before": _visible(change.get("before"), change.get("before_sensitive")),
        "after": _visible(change.get("after"), change.get("after_sensitive")),
        "unknown": change.get("after_unknown"),
    }
    return {
        "actions": change["actions"],
        **{key: _without(value, same) for key, value in said.items()},
        "replaced_for": change.get("replace_paths"),
        "imported": change.get("importing"),
    }


def _unchanged(change: dict[str, Any]) -> set[str]:
    """Name the attributes that an update leaves as they are, secrecy included."""
    before, after = change.get("before"), change.get("after")
    if change["actions"] != ["update"] or not isinstance(before, dict) or not isinstance(after, dict):
        return set()

    def secrecy(side: str, name: str) -> Any:
        marks = change.get(f"{side}_sensitive")
        return marks.get(name, False) if isinstance(marks, dict) else marks

    return {
        name
        for name in before.keys() & after.keys()
        if before[name] == after[name] and secrecy("before", name) == secrecy("after", name)
    }


def _without(value: Any, names: set[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if name not in names}


def _visible(value: Any, sensitive: Any) -> Any:
    """Leave out what ``sensitive`` marks with True; it has the shape of ``value``, or is True or False."""
    if sensitive is True:
        return "(sensitive)"
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: _visible(inner, sensitive.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = sensitive + [False] * (len(value) - len(sensitive))
        return [_visible(inner, mark) for inner, mark in zip(value, marks, strict=False)]
    return value


if __name__ == "__main__":
    version = json.loads(Path(sys.argv[2]).read_bytes())
    print(digest(json.loads(Path(sys.argv[1]).read_bytes()), version["provider_selections"]))
