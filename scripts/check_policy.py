"""Run checkov over a plan, as `terraform show -json` printed it, or over terraform/ with prod's values.

Usage: check_policy.py PLAN.json|DIRECTORY [--code DIRECTORY] [--environment dev|stage|prod] [--pretended]

Exit status: 0 only when checkov could read everything, ran at least one check, none failed, none crashed, and
whatever the code skips says why. checkov's own status is 0 for a plan that it could not read. Needs checkov
in .venv-infra; nothing is fetched or sent.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# What reading the code alone cannot judge, because blocks and values there are made by Terraform itself: the
# plan is asked instead, where none of these is left out.
ONLY_IN_PLANS = ("CKV_AWS_133", "CKV_AWS_192", "CKV2_AWS_27", "CKV2_AWS_50", "CKV2_AWS_76")
# What dev goes without, because it is cheap and holds nothing that would be missed.
NOT_IN_DEV = ("CKV_AWS_139", "CKV_AWS_150", "CKV2_AWS_50")  # deletion protection (2), a second Redis
# What a state that was only pretended cannot show: the stand-in's values for what AWS itself would fill in.
NOT_PRETENDED = ("CKV2_AWS_12", "CKV2_AWS_35")
CHECKOV = Path(__file__).resolve().parents[1] / ".venv-infra" / "bin" / "checkov"


def run(
    what: Path, code: Path, environment: str, *, pretended: bool = False
) -> subprocess.CompletedProcess[str]:
    if what.is_dir():
        about = ["--directory", str(what), "--framework", "terraform"]
        about += ["--var-file", str(what / "envs" / "prod.tfvars"), "--skip-check", ",".join(ONLY_IN_PLANS)]
    else:
        # What is skipped stands in the code; a plan does not hold its comments.
        about = ["--file", str(what), "--framework", "terraform_plan"]
        about += ["--repo-root-for-plan-enrichment", str(code)]
        skipped = (NOT_IN_DEV if environment == "dev" else ()) + (NOT_PRETENDED if pretended else ())
        about += ["--skip-check", ",".join(skipped)] if skipped else []
    quiet = ["--output", "json", "--skip-download", "--download-external-modules", "false"]
    return subprocess.run(
        [str(CHECKOV), *about, *quiet],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )


def judge(output: str, errors: str) -> tuple[list[str], str]:
    """Return what is wrong, a line each, and a summary of one line."""
    try:
        report: dict[str, Any] = json.loads(output)
        results, summary = report["results"], report["summary"]
    except (ValueError, KeyError, TypeError):
        return [f"checkov gave no report: {output[-500:]}"], "nothing was checked"
    wrong = [f"FAILED {_line(check)}" for check in results["failed_checks"]]
    wrong += [f"cannot be read: {file}" for file in results.get("parsing_errors", [])]
    wrong += [
        f"SKIPPED without a reason: {_line(check)}"
        for check in results["skipped_checks"]
        if not (check["check_result"].get("suppress_comment") or "").strip()
        or check["check_result"]["suppress_comment"] == "No comment provided"
    ]
    wrong += [f"CRASHED {line}" for line in errors.splitlines() if "Failed to run check" in line]
    if not summary["passed"]:
        wrong.append("not one check was run")
    if summary["failed"] + summary["parsing_errors"] and not wrong:
        wrong.append(f"checkov counts more than it shows: {summary}")
    return wrong, f"{summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} skipped"


def _line(check: dict[str, Any]) -> str:
    return f"{check['check_id']} {check['resource']}: {check['check_name']}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", type=Path)
    parser.add_argument("--code", type=Path, default=Path("terraform"), help="where the plan comes from")
    parser.add_argument("--environment", choices=["dev", "stage", "prod"], default="prod")
    parser.add_argument("--pretended", action="store_true", help="a plan on what a stand-in applied")
    given = parser.parse_args()
    done = run(given.what, given.code, given.environment, pretended=given.pretended)
    wrong, summary = judge(done.stdout, done.stderr)
    if done.returncode and not wrong:
        wrong = [f"checkov ended with {done.returncode}: {done.stderr[-500:]}"]
    print(*wrong, summary, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
