"""Which role the portal takes on at AWS: category -> service -> ARN, with DEFAULT on both levels.

Operators of several accounts keep one such map for everything that they run, so it may name categories
and services that are not the portal's.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

DEFAULT: Final = "DEFAULT"
#: The portal's categories, and what is in them as boto3 calls it.
STORAGE: Final = "STORAGE"  # s3
MESSAGES: Final = "MESSAGES"  # sns, ses, sqs

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII)
_FORM = (
    'DIAGPORT_AWS_ROLES_MAP must be JSON such as {"STORAGE": {"s3": "arn:aws:iam::123456789012:role/name"}}'
)


def read(value: Any) -> dict[str, dict[str, str]]:
    """Read a map, or its JSON; an empty text is an empty map. Letters of any case will do for names.

    Raises:
        ValueError: it is no such map, or names something that is not a role.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            raise ValueError(_FORM) from None
    if not isinstance(value, dict) or not all(isinstance(roles, dict) for roles in value.values()):
        raise ValueError(_FORM)
    for category, roles in value.items():
        for service, arn in roles.items():
            if not isinstance(arn, str) or not _ROLE.fullmatch(arn):
                raise ValueError(f"DIAGPORT_AWS_ROLES_MAP: {category}, {service} is not the ARN of a role")
    return {
        category.upper(): {service.upper(): arn for service, arn in roles.items()}
        for category, roles in value.items()
    }


RolesMap = Annotated[dict[str, dict[str, str]], NoDecode, BeforeValidator(read)]


def role_of(roles: Mapping[str, Mapping[str, str]], category: str, service: str) -> str | None:
    """Return the role for a service; None where the portal is to stay who it is."""
    for services in (roles.get(category, {}), roles.get(DEFAULT, {})):
        if arn := services.get(service.upper()) or services.get(DEFAULT):
            return arn
    return None
