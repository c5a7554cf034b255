"""What stands between checkov, parliament and a green build. Items 6, 15."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import check_policy
from scripts.check_iam import mistaken, policies
from scripts.check_policy import judge


def check(comment: str | None = None) -> dict[str, Any]:
    result = {"result": "FAILED"} if comment is None else {"result": "SKIPPED", "suppress_comment": comment}
    return {"check_id": "CKV_AWS_1", "check_name": "No", "resource": "aws_lb.portal", "check_result": result}


def report(
    passed: int = 3,
    failed: list[dict[str, Any]] | None = None,
    skipped: list[dict[str, Any]] | None = None,
    unread: list[str] | None = None,
) -> str:
    failed, skipped, unread = failed or [], skipped or [], unread or []
    counts = {"passed": passed, "failed": len(failed), "skipped": len(skipped), "parsing_errors": len(unread)}
    results = {"failed_checks": failed, "skipped_checks": skipped, "parsing_errors": unread}
    return json.dumps({"results": results, "summary": counts})


def test_what_passed_passes() -> None:
    assert judge(report(skipped=[check("logs cannot use our key")]), "") == (
        [],
        "3 passed, 0 failed, 1 skipped",
    )


@pytest.mark.parametrize(
    ("output", "errors", "said"),
    [
        (report(failed=[check()]), "", "FAILED CKV_AWS_1 aws_lb.portal: No"),
        (report(unread=["plan.json"]), "", "cannot be read: plan.json"),
        (report(passed=0), "", "not one check was run"),
        (report(skipped=[check("")]), "", "SKIPPED without a reason: CKV_AWS_1 aws_lb.portal: No"),
        (
            report(skipped=[check("No comment provided")]),
            "",
            "SKIPPED without a reason: CKV_AWS_1 aws_lb.portal: No",
        ),
        (report(), "ERROR Failed to run check CKV_AWS_2", "CRASHED ERROR Failed to run check CKV_AWS_2"),
        ("", "", "checkov gave no report: "),
        ('{"passed": 0}', "", 'checkov gave no report: {"passed": 0}'),
    ],
)
def test_what_did_not_is_said(output: str, errors: str, said: str) -> None:
    assert judge(output, errors)[0] == [said]


def resource(address: str, **values: str) -> dict[str, Any]:
    return {"mode": "managed", "type": address.split(".")[0], "address": address, "values": values}


@pytest.mark.parametrize("kind", ["values", "planned_values"])
def test_policies_are_found_wherever_they_are(kind: str) -> None:
    """States and plans; modules inside modules; no policies of other kinds."""
    text = '{"Statement": []}'
    inner = {"resources": [resource("aws_iam_role.inner", assume_role_policy=text)]}
    module = {
        "resources": [
            resource("aws_iam_policy.it", policy=text, name="it"),
            resource("aws_ecr_lifecycle_policy.it", policy=text),
            resource("aws_backup_plan.it", policy="no document"),
            {**resource("data.aws_iam_policy_document.it", json=text), "mode": "data"},
        ],
        "child_modules": [{"child_modules": [inner]}],
    }
    found = [where for where, _ in policies({kind: {"root_module": module}})]
    assert found == ["aws_iam_policy.it.policy", "aws_iam_role.inner.assume_role_policy"]


@pytest.mark.parametrize(
    ("where", "issue", "detail", "none"),
    [
        ("aws_iam_role.web.assume_role_policy", "MALFORMED", "no Resource", True),
        ("aws_iam_role_policy.web.policy", "MALFORMED", "no Resource", False),
        ("aws_kms_key.data.policy", "RESOURCE_STAR", "['kms:Decrypt']", True),
        ("aws_kms_key.data.policy", "UNKNOWN_ACTION", "kms:Decript", False),
        ("aws_iam_policy.aws_kms_key.policy", "RESOURCE_STAR", "['kms:Decrypt']", False),
        ("aws_s3_bucket_policy.uploads.policy", "MISMATCHED_TYPE", "s3:TlsVersion requires", True),
        ("aws_s3_bucket_policy.uploads.policy", "MISMATCHED_TYPE", "aws:SecureTransport requires", False),
    ],
)
def test_only_what_is_none_is_left_out(where: str, issue: str, detail: str, none: bool) -> None:
    assert mistaken(where, issue, detail) is none


@pytest.mark.parametrize(
    ("environment", "pretended", "skipped"),
    [
        ("prod", False, None),
        ("prod", True, "CKV2_AWS_12,CKV2_AWS_35"),
        ("dev", False, "CKV_AWS_139,CKV_AWS_150,CKV2_AWS_50"),
        ("dev", True, "CKV_AWS_139,CKV_AWS_150,CKV2_AWS_50,CKV2_AWS_12,CKV2_AWS_35"),
    ],
)
def test_of_a_plan_nothing_else_is_left_out(
    environment: str, pretended: bool, skipped: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only a pretended state gets wrong is asked of every real one."""
    echo = tmp_path / "checkov"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    echo.chmod(0o755)
    monkeypatch.setattr(check_policy, "CHECKOV", echo)
    done = check_policy.run(tmp_path / "plan.json", tmp_path, environment, pretended=pretended)
    given = done.stdout.splitlines()
    assert (given[given.index("--skip-check") + 1] if "--skip-check" in given else None) == skipped


def test_only_a_stand_in_is_pretended() -> None:
    """No pipeline's plan is judged more mildly; and the plan of the next release is judged at all."""
    scripts = Path(check_policy.__file__).parent
    assert "--pretended" not in (scripts / "deploy.sh").read_text()
    text = (scripts / "check-infra.sh").read_text()
    look = text.split("look_through() {")[1].split("\n}")[0]
    assert look.index("pretend apply") < look.index('check_policy.py "$directory/release.json"')
    assert text.count("--pretended") == 1
    assert look.count("--pretended") == 1
