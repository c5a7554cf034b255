# The most that any role may do which the pipeline makes, whatever its policies say. It grants nothing by itself: it is
# an intersection. The pipeline cannot change it, nor make a role without it (roles_apply.tf).

locals {
  own_buckets = "arn:${local.partition}:s3:::${local.name}-*"
  registry_writes = var.environment != "shared" ? [] : [
    "ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
  ]
}

data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_107:A boundary grants nothing; each role's own policy names its secrets
  #checkov:skip=CKV_AWS_108:A boundary grants nothing; each role's own policy names its buckets
  #checkov:skip=CKV_AWS_109:A boundary grants nothing; each role's own policy names what it manages
  #checkov:skip=CKV_AWS_111:A boundary grants nothing; each role's own policy names what it writes
  #checkov:skip=CKV_AWS_356:A boundary grants nothing; each role's own policy names its resources

  # Among them what AWS Backup needs to restore into a bucket: it makes the bucket, so its name must begin as ours do.
  statement {
    sid       = "OwnBuckets"
    resources = [local.own_buckets]
    actions = [
      "s3:AbortMultipartUpload", "s3:CreateBucket", "s3:DeleteObject*", "s3:GetBucket*",
      "s3:GetInventoryConfiguration", "s3:GetObject*", "s3:List*", "s3:PutBucketNotification",
      "s3:PutBucketOwnershipControls", "s3:PutBucketVersioning", "s3:PutInventoryConfiguration", "s3:PutObject*",
      "s3:RestoreObject",
    ]
  }

  statement {
    sid = "OwnNames"
    resources = [
      "arn:${local.partition}:sqs:*:${var.account_id}:${local.name}-*",
      "arn:${local.partition}:secretsmanager:*:${var.account_id}:secret:${var.project}/${var.environment}/*",
      "arn:${local.partition}:secretsmanager:*:${var.account_id}:secret:rds!cluster-*", # the database owner's
      "arn:${local.partition}:ssm:*:${var.account_id}:parameter/${var.project}/${var.environment}/*",
    ]
    actions = [
      "secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage", "ssm:GetParameter", "ssm:GetParameters",
    ]
  }

  statement {
    sid       = "Tasks"
    resources = ["*"]
    actions = concat([
      "cloudwatch:PutMetricData", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer", "ecs:GetTaskProtection", "ecs:RunTask", "ecs:TagResource",
      "ecs:UpdateTaskProtection", "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite",
      "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
      "logs:CreateLogGroup", "logs:CreateLogStream", "logs:Describe*", "logs:PutLogEvents", "logs:PutRetentionPolicy",
      "ses:SendEmail", "ses:SendRawEmail", "sns:Publish", "ssmmessages:*", "sts:AssumeRole",
    ], local.registry_writes)
  }

  # What AWS Backup does to databases, file systems and buckets, and to their copies. AWS' own policies for it would also
  # let it delete a cluster: nothing that the pipeline makes may.
  statement {
    sid       = "Backups"
    resources = ["*"]
    actions = [
      "backup:CopyFromBackupVault", "backup:CopyIntoBackupVault", "backup:Describe*", "backup:TagResource",
      "cloudwatch:GetMetricData", "ec2:Describe*", "elasticfilesystem:Backup", "elasticfilesystem:CreateFileSystem",
      "elasticfilesystem:DeleteFileSystem", "elasticfilesystem:Describe*", "elasticfilesystem:Restore",
      "elasticfilesystem:TagResource", "events:DeleteRule", "events:DescribeRule", "events:DisableRule",
      "events:EnableRule", "events:List*", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
      "rds:AddTagsToResource", "rds:Copy*Snapshot", "rds:Create*Snapshot", "rds:Delete*Snapshot", "rds:Describe*",
      "rds:ListTagsForResource", "rds:ModifyDBCluster", "rds:Modify*SnapshotAttribute",
      "rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBClusterToPointInTime", "s3:ListAllMyBuckets", "tag:GetResources",
    ]
  }

  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = ["arn:${local.partition}:iam::${var.account_id}:role/${local.name}-*"]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  # The state, and the pipeline itself, are out of reach for whatever the pipeline makes.
  statement {
    sid       = "NotThePipeline"
    effect    = "Deny"
    actions   = ["sts:AssumeRole"]
    resources = ["arn:${local.partition}:iam::*:role/${var.project}-terraform-*"]
  }

  statement {
    sid       = "NotTheState"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "NotTheKeyOfTheState"
    effect    = "Deny"
    actions   = ["kms:*"]
    resources = [aws_kms_key.state.arn]
  }
}

resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_286:A boundary grants nothing, and denies the roles of the pipeline
  #checkov:skip=CKV_AWS_287:A boundary grants nothing; each role's own policy names its secrets
  #checkov:skip=CKV_AWS_288:A boundary grants nothing; each role's own policy names its buckets
  #checkov:skip=CKV_AWS_289:A boundary grants nothing; each role's own policy names what it manages
  #checkov:skip=CKV_AWS_290:A boundary grants nothing; each role's own policy names what it writes
  #checkov:skip=CKV_AWS_355:A boundary grants nothing; each role's own policy names its resources
  name        = "${var.project}-boundary" # terraform/iam.tf and shared/ name it so
  description = "The most that a role of ${local.name} may do"
  policy      = data.aws_iam_policy_document.boundary.json

  lifecycle {
    prevent_destroy = true # every role of the environment hangs on it
  }
}
