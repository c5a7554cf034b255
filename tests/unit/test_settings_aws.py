"""The roles that the portal takes on at AWS, and the name of the deployment. F24."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.settings import Settings
from tests.unit.test_settings import GOOD, make

ROLE = "arn:aws:iam::123456789012:role/portal/bundles"


@pytest.mark.parametrize("name", ["DIAGPORT_AWS_ROLES_MAP", "AWS_ROLES_MAP"])
def test_it_is_read_by_either_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in GOOD.items():
        monkeypatch.setenv(f"DIAGPORT_{key.upper()}", value)
    monkeypatch.setenv(name, json.dumps({"storage": {"s3": ROLE, "default": ROLE}}))
    assert Settings().aws_roles_map == {"STORAGE": {"S3": ROLE, "DEFAULT": ROLE}}
    monkeypatch.setenv(name, "")
    assert Settings().aws_roles_map == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("nonsense", "must be JSON such as"),
        ("[]", "must be JSON such as"),
        (json.dumps({"STORAGE": ROLE}), "must be JSON such as"),
        (json.dumps({"STORAGE": {"s3": "portal"}}), "STORAGE, s3 is not the ARN of a role"),
        (json.dumps({"STORAGE": {"s3": None}}), "STORAGE, s3 is not the ARN of a role"),
        (json.dumps({"A": {"b": "arn:aws:iam::123456789012:user/x"}}), "A, b is not the ARN of a role"),
    ],
)
def test_what_is_no_map_of_roles_is_said(value: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(aws_roles_map=value)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_anything_else_is_refused_and_never_a_crash(value: Any) -> None:
    try:
        made = make(aws_roles_map=json.dumps(value))
    except ValidationError:
        return
    assert not any(made.aws_roles_map.values())


def test_a_deployment_is_named_as_its_environment_unless_it_is_said() -> None:
    assert make().deployment == "production"
    assert make(deployment="eu-1").deployment == "eu-1"
    with pytest.raises(ValidationError, match="DIAGPORT_DEPLOYMENT"):
        make(deployment="eu 1")
