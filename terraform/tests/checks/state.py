"""A state as `terraform show -json` prints it, and what checks need of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

#: Whatever a check finds wrong: one line for a person.
Check = Callable[["State"], Iterator[str]]
CHECKS: Final[dict[str, Check]] = {}


def check(check: Check) -> Check:
    """Put a check on the list; its docstring is what it demands."""
    CHECKS[check.__name__] = check
    return check


@dataclass(frozen=True, slots=True)
class Resource:
    address: str
    type: str
    name: str
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def block(self, key: str) -> dict[str, Any]:
        """Return the one nested block of that name; an empty one if there is none."""
        found = self.values.get(key) or [{}]
        return dict(found[0]) if isinstance(found, list) else dict(found)


class State:
    """Managed resources of the root module, and what the code says of them.

    Which resource another one belongs to is asked of the code: after a pretended apply ids say nothing.
    """

    def __init__(self, document: dict[str, Any], plan: dict[str, Any], environment: str) -> None:
        self.environment = environment
        code = plan["configuration"]["root_module"]["resources"]
        self._written = {found["address"]: found.get("expressions", {}) for found in code}
        self._depends = {found["address"]: found.get("depends_on", []) for found in code}
        self._held = {found["address"]["to_display"]: found["status"] for found in document.get("checks", [])}
        self.resources = [
            Resource(found["address"], found["type"], found["name"], found["values"])
            for found in document["values"]["root_module"]["resources"]
            if found["mode"] == "managed"
        ]

    @property
    def production(self) -> bool:
        return self.environment == "prod"

    def all(self, kind: str, name: str | None = None) -> list[Resource]:
        return [r for r in self.resources if r.type == kind and name in {None, r.name}]

    def one(self, kind: str, name: str) -> Resource:
        """Return it. Raises AssertionError if there is not exactly one."""
        found = self.all(kind, name)
        assert len(found) == 1, f"{kind}.{name}: {len(found)} of them"  # noqa: S101
        return found[0]

    def writes(self, resource: Resource, key: str) -> bool:
        """Whether the code gives a value or a block of that name."""
        return key in self._written[f"{resource.type}.{resource.name}"]

    def refers(self, resource: Resource, key: str) -> set[str]:
        """Return what the value of that name is made of, such as `aws_vpc.this.id`; of a block, all in it."""
        return set(_references(self._written[f"{resource.type}.{resource.name}"].get(key, {})))

    def waits_for(self, resource: Resource) -> set[str]:
        """Return the addresses that it is made after: those it says so of, and those that these say so of.

        What it names by the way, in values, is not among them.
        """
        found: set[str] = set()
        left = [f"{resource.type}.{resource.name}"]
        while left:
            new = set(self._depends.get(left.pop(), [])) - found
            found |= new
            left += new
        return found

    def held(self, resource: Resource) -> bool:
        """Whether it has conditions of its own, and all of them held when it was applied."""
        return self._held.get(f"{resource.type}.{resource.name}") == "pass"

    def statements(self) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """Yield every statement of every policy, with the resource that it stands in."""
        for resource in self.resources:
            for key in ("policy", "assume_role_policy"):
                text = resource[key]
                if isinstance(text, str) and '"Statement"' in text:
                    for statement in listed(json.loads(text)["Statement"]):
                        yield resource, statement

    def containers(self) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """Yield every container definition, with its task definition."""
        for task in self.all("aws_ecs_task_definition"):
            for container in json.loads(task["container_definitions"]):
                yield task, container


def _references(expression: Any) -> Iterator[str]:
    if isinstance(expression, list):
        for part in expression:
            yield from _references(part)
    elif isinstance(expression, dict):
        yield from expression.get("references", [])
        for key, part in expression.items():
            if key != "references":
                yield from _references(part)


def listed(value: Any) -> list[Any]:
    """Return what a policy may write as one or as a list, as a list."""
    return value if isinstance(value, list) else [value]
