"""docker-compose.yml as Compose reads it: merged, and with the variables of .env put in."""

import re
from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]

from app.cli.dev import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(:-|:\?)?([^}]*)\}")


class MissingError(Exception):
    """A variable is needed; the message is what Compose would say."""


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Replace ${NAME}, ${NAME:-default} and ${NAME:?message}. Raises MissingError."""

    def value(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if variables.get(name):
            return variables[name]
        if how == ":?":
            raise MissingError(f"{name}: {rest}")
        return rest if how else ""

    return _VARIABLE.sub(value, text)


def services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the services by name. Values of environments are strings, whatever YAML makes of them."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(interpolated(FILE.read_text(), variables))["services"]
    for service in found.values():
        service["environment"] = {name: str(value) for name, value in service.get("environment", {}).items()}
    return found


def needed() -> set[str]:
    """Return the variables without which Compose refuses to start."""
    return {name for name, how, _ in _VARIABLE.findall(FILE.read_text()) if how == ":?"}
