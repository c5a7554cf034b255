"""What the task definitions give to containers, read from terraform/ecs_environment.tf and secrets.tf.

The files are as `terraform fmt` leaves them: a local begins two spaces in, and a name of ours is in capitals.
"""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
TERRAFORM: Final = ROOT / "terraform"

#: Services whose containers read the portal's whole settings.
PORTAL: Final = ("web", "worker", "scheduler")
SERVICES: Final = (*PORTAL, "migrate", "freshclam")

_LOCAL = re.compile(r"^  (\w+) += ", re.MULTILINE)
_SERVICE = re.compile(r"^    (\w+) += ", re.MULTILINE)
_NAME = re.compile(r"(?:^|\{) *([A-Z][A-Z0-9_]+) += (.+?)(?= \} :|$)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^| +)#[^\n]*", re.MULTILINE)


def locals_of(file: str) -> dict[str, str]:
    """Return the text of each local value of a file, without comments."""
    text = _COMMENT.sub("", (TERRAFORM / file).read_text(encoding="utf-8"))
    return _pieces(_LOCAL, text)


def environment(service: str) -> dict[str, str]:
    """Return the plain variables of a service: name without DIAGPORT_ -> expression."""
    found = locals_of("ecs_environment.tf")
    own = names(_pieces(_SERVICE, found["service_environment"])[service])
    return own | (names(found["application_given"]) if service in PORTAL else {})


def secrets(service: str) -> dict[str, str]:
    """Return what a service is given as secrets: name -> where from. Parameters are not among them."""
    found = locals_of("ecs_environment.tf")
    if service == "freshclam":
        return {}
    kind = "injected_secrets" if service in PORTAL else "migrate_secrets"
    assert "local.database_login" in found[kind]
    return names(found[kind]) | names(found["database_login"])


def parameters() -> dict[str, str]:
    """Return what operators tune in Parameter Store: name -> its first value."""
    assert "aws_ssm_parameter.setting" in locals_of("ecs_environment.tf")["injected_secrets"]
    found = names(locals_of("secrets.tf")["parameters"])
    return {name: value.strip('"') for name, value in found.items()}


def names(text: str) -> dict[str, str]:
    """Return the names in capitals in a piece of HCL, each with its expression."""
    found = _NAME.findall(text)
    assert len(found) == len(dict(found)), "a name is given twice"
    return {name: expression.strip() for name, expression in found}


def image_gives() -> set[str]:
    """Return the variables of ours that the portal's image sets itself, without DIAGPORT_."""
    return set(re.findall(r"DIAGPORT_(\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8")))


def _pieces(begin: re.Pattern[str], text: str) -> dict[str, str]:
    starts = list(begin.finditer(text))
    ends = [each.start() for each in starts[1:]] + [len(text)]
    return {each[1]: text[each.end() : end] for each, end in zip(starts, ends, strict=True)}
