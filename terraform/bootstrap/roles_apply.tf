# Applies: everything but accounts and people. Roles it may make only within the boundary and under the environment's
# name, and it cannot take one on itself, so that it can give nobody more than the boundary holds. One way to the rights
# of those roles is left, and cannot be closed without ending deployments: it says which image runs as which of them
# (iam:PassRole to ECS). So whoever can apply can do what the portal can, and reviewers of the environment stand before it.

locals {
  own_roles    = "arn:${local.partition}:iam::${var.account_id}:role/${local.name}-*"
  own_policies = "arn:${local.partition}:iam::${var.account_id}:policy/${local.name}-*"
  own_groups   = "arn:${local.partition}:iam::${var.account_id}:group/${local.name}-*"
}

data "aws_iam_policy_document" "apply" {
  #checkov:skip=CKV_AWS_109:Roles can be made within the boundary alone; other policies only under the environment's name
  source_policy_documents = [data.aws_iam_policy_document.state_access.json]

  statement {
    sid       = "WriteState"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid = "LookAtIam"
    actions = [
      "iam:GetGroup", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
      "iam:ListAttachedGroupPolicies", "iam:ListAttachedRolePolicies", "iam:ListEntitiesForPolicy",
      "iam:ListInstanceProfilesForRole", "iam:ListPolicyTags", "iam:ListPolicyVersions", "iam:ListRolePolicies",
      "iam:ListRoleTags",
    ]
    resources = [
      "arn:${local.partition}:iam::${var.account_id}:role/${var.project}-*",
      "arn:${local.partition}:iam::${var.account_id}:policy/${var.project}-*",
      "arn:${local.partition}:iam::${var.account_id}:group/${var.project}-*",
    ]
  }

  statement {
    sid = "RolesWithinTheBoundary"
    actions = [
      "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
    ]
    resources = [local.own_roles]
    condition {
      test     = "ArnEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.boundary.arn]
    }
  }

  statement {
    sid = "TheirSettings"
    actions = [
      "iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = [local.own_roles]
  }

  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = [local.own_roles]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values = [
        "backup.amazonaws.com", "ecs-tasks.amazonaws.com", "monitoring.rds.amazonaws.com", "scheduler.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
      ]
    }
  }

  # For people: who reads logs, who tunes parameters. Nobody can be put into a group from here.
  statement {
    sid = "Policies"
    actions = [
      "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
      "iam:SetDefaultPolicyVersion", "iam:TagPolicy", "iam:UntagPolicy",
    ]
    resources = [local.own_policies]
  }

  statement {
    sid       = "Groups"
    actions   = ["iam:CreateGroup", "iam:DeleteGroup", "iam:UpdateGroup"]
    resources = [local.own_groups]
  }

  statement {
    sid       = "PoliciesOfGroups"
    actions   = ["iam:AttachGroupPolicy", "iam:DetachGroupPolicy"]
    resources = [local.own_groups]
    condition {
      test     = "ArnLike"
      variable = "iam:PolicyARN"
      values   = [local.own_policies]
    }
  }

  # It may say who takes a role on, and so might name itself.
  statement {
    sid       = "NotAsItsRoles"
    effect    = "Deny"
    actions   = ["sts:AssumeRole"]
    resources = [local.own_roles]
  }

  # Running a portal takes reading none of what customers sent, nor the database owner's password.
  statement {
    sid       = "NoBundles"
    effect    = "Deny"
    actions   = ["s3:GetObject*"]
    resources = ["arn:${local.partition}:s3:::${local.name}-uploads-*/*"]
  }

  statement {
    sid       = "NoOwnersPassword"
    effect    = "Deny"
    actions   = ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"]
    resources = ["arn:${local.partition}:secretsmanager:*:${var.account_id}:secret:rds!*"]
  }

  statement {
    sid       = "KeepTheBoundary"
    effect    = "Deny"
    actions   = ["iam:DeleteRolePermissionsBoundary"]
    resources = ["*"]
  }

  # An administrator's: what stands there would be believed the next time bootstrap/ is applied.
  statement {
    sid       = "KeepTheStateOfBootstrap"
    effect    = "Deny"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/*bootstrap.tfstate*"]
  }

  statement {
    sid    = "KeepTheStatesBucket"
    effect = "Deny"
    actions = [
      "s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObjectVersion",
      "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
    ]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "KeepTheStatesKey"
    effect    = "Deny"
    actions   = ["kms:CreateGrant", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]
    resources = [aws_kms_key.state.arn]
  }
}

resource "aws_iam_role" "apply" {
  name                 = "${var.project}-terraform-apply"
  description          = "The pipeline's applies, after the hold"
  assume_role_policy   = data.aws_iam_policy_document.trust["apply"].json
  max_session_duration = 7200 # a new database, and services until they are steady
}

# Everything but IAM, organisations and accounts.
resource "aws_iam_role_policy_attachment" "apply" {
  role       = aws_iam_role.apply.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/PowerUserAccess"
}

resource "aws_iam_role_policy" "apply" {
  name   = "within-the-boundary"
  role   = aws_iam_role.apply.id
  policy = data.aws_iam_policy_document.apply.json
}
