"""Roles carry the permission boundary, and it holds what they are allowed: else AWS alone would tell."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2] / "terraform"

#: What AWS' own policies for AWS Backup (iam_services.tf) do to the stores that backup.tf selects.
#: They also let it delete clusters after a restore that failed, which is left to people.
BACKUP: Final = {
    "AWSBackupServiceRolePolicyForBackup": (
        "backup:CopyFromBackupVault backup:CopyIntoBackupVault backup:DescribeBackupVault "
        "backup:TagResource elasticfilesystem:Backup elasticfilesystem:DescribeTags kms:CreateGrant "
        "kms:Decrypt kms:DescribeKey kms:GenerateDataKey rds:AddTagsToResource rds:CopyDBClusterSnapshot "
        "rds:CreateDBClusterSnapshot rds:DeleteDBClusterSnapshot rds:DescribeDBClusterAutomatedBackups "
        "rds:DescribeDBClusterSnapshots rds:DescribeDBClusters rds:ListTagsForResource "
        "rds:ModifyDBCluster rds:ModifyDBClusterSnapshotAttribute tag:GetResources"
    ),
    "AWSBackupServiceRolePolicyForRestores": (
        "elasticfilesystem:CreateFileSystem elasticfilesystem:DeleteFileSystem "
        "elasticfilesystem:DescribeFileSystems elasticfilesystem:Restore elasticfilesystem:TagResource "
        "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom "
        "kms:ReEncryptTo rds:AddTagsToResource rds:DescribeDBClusterSnapshots rds:DescribeDBClusters "
        "rds:ListTagsForResource rds:RestoreDBClusterFromSnapshot rds:RestoreDBClusterToPointInTime"
    ),
    "AWSBackupServiceRolePolicyForS3Backup": (
        "cloudwatch:GetMetricData events:DeleteRule events:DescribeRule events:DisableRule "
        "events:EnableRule events:ListRules events:ListTargetsByRule events:PutRule events:PutTargets "
        "events:RemoveTargets kms:Decrypt kms:DescribeKey s3:GetBucketAcl s3:GetBucketLocation "
        "s3:GetBucketNotification s3:GetBucketTagging s3:GetBucketVersioning "
        "s3:GetInventoryConfiguration s3:GetObject s3:GetObjectAcl s3:GetObjectTagging "
        "s3:GetObjectVersion s3:GetObjectVersionAcl s3:GetObjectVersionTagging s3:ListAllMyBuckets "
        "s3:ListBucket s3:ListBucketVersions s3:PutBucketNotification s3:PutInventoryConfiguration"
    ),
    "AWSBackupServiceRolePolicyForS3Restore": (
        "kms:Decrypt kms:DescribeKey kms:GenerateDataKey s3:CreateBucket s3:DeleteObject "
        "s3:GetBucketLocation s3:GetBucketOwnershipControls s3:GetBucketVersioning s3:GetObject "
        "s3:GetObjectAcl s3:GetObjectTagging s3:GetObjectVersion s3:GetObjectVersionAcl s3:ListBucket "
        "s3:ListBucketVersions s3:ListMultipartUploadParts s3:PutBucketOwnershipControls "
        "s3:PutBucketVersioning s3:PutObject s3:PutObjectAcl s3:PutObjectTagging s3:PutObjectVersionAcl"
    ),
}

_ACTION = re.compile(r'"([a-z][a-z0-9-]+:[A-Z*][A-Za-z*]*)"')
_OWN_NAME = re.compile(r'^ +name += "\$\{local\.name\}-', re.MULTILINE)
_ROLE = re.compile(r'^resource "aws_iam_role" "(\w+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL)


def _actions(path: Path) -> set[str]:
    """Return the actions of what is allowed; keys of conditions look like them."""
    text = re.sub(r"^ +variable += .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    statements = re.split(r"^  statement \{$", text, flags=re.MULTILINE)
    return {action for part in statements if '"Deny"' not in part for action in _ACTION.findall(part)}


def _refused(asked: set[str]) -> set[str]:
    allowed = _actions(ROOT / "bootstrap" / "boundary.tf")
    return {action for action in asked if not any(fnmatchcase(action, pattern) for pattern in allowed)}


def test_every_role_that_the_pipeline_makes_carries_the_boundary() -> None:
    """bootstrap/ is run by an administrator: the pipeline's own roles are what it limits by this."""
    roles = [
        (path.name, *match.groups())
        for path in (*ROOT.glob("*.tf"), *(ROOT / "shared").glob("*.tf"))
        for match in _ROLE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(roles) >= 7
    assert not [(file, name) for file, name, body in roles if "permissions_boundary" not in body]
    assert not [(file, name) for file, name, body in roles if not _OWN_NAME.search(body)]


def test_the_boundary_holds_what_roles_are_allowed() -> None:
    """A role may do what its policies and the boundary allow: what is forgotten here would be refused."""
    files = [path for path in ROOT.glob("iam*.tf") if path.name != "iam_groups.tf"]  # people have no boundary
    asked = {action for path in (*files, ROOT / "shared" / "push.tf") for action in _actions(path)}
    asked.remove("sts:AssumeRoleWithWebIdentity")  # in a trust policy, which no boundary limits
    assert len(asked) >= 30
    assert not _refused(asked)


def test_the_boundary_lets_aws_backup_do_its_work() -> None:
    """A backup that cannot be restored would be noticed when it is needed."""
    attached = re.findall(
        r'"(?:service-role/)?(AWSBackup\w+)"', (ROOT / "iam_services.tf").read_text("utf-8")
    )
    assert set(attached) == set(BACKUP)
    assert not {
        policy: refused for policy, text in BACKUP.items() if (refused := _refused(set(text.split())))
    }
    assert _refused({"rds:DeleteDBCluster"})


def test_the_pipeline_cannot_take_on_what_it_makes() -> None:
    """It may write a role's trust policy, and could name itself there; bootstrap/ is an administrator's."""
    text = (ROOT / "bootstrap" / "roles_apply.tf").read_text(encoding="utf-8")
    denied = [part for part in text.split("  statement {\n") if 'effect    = "Deny"' in part]
    assert any('["sts:AssumeRole"]' in part and "local.own_roles" in part for part in denied)
    assert any('"s3:PutObject"' in part and "bootstrap.tfstate*" in part for part in denied)
