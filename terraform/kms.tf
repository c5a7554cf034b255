# Two keys: one for what customers sent and what opens it, one for what the portal says about itself. Who may read
# logs must not be able to read bundles. Both turn over every year; what was encrypted before stays readable.

locals {
  # Only a key whose policy lets the account's IAM decide can be used by roles (tasks, backup, RDS, ECS Exec) and by
  # the grants that EFS, RDS and ElastiCache make for themselves; without this statement nobody could ever change it.
  key_owner = "arn:${local.partition}:iam::${local.account_id}:root"
}

# S3, EFS, RDS and the owner's password, ElastiCache, Secrets Manager, Parameter Store. All of them act for a role
# that asks, so IAM says it all: no service has a leave of its own.
data "aws_iam_policy_document" "data_key" {
  #checkov:skip=CKV_AWS_109:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_111:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_356:the policy of a key speaks of this key alone, whatever its resource says
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.key_owner]
    }
  }
}

resource "aws_kms_key" "data" {
  description             = "${local.name}: bundles, database, cache, secrets and settings"
  policy                  = data.aws_iam_policy_document.data_key.json
  enable_key_rotation     = true
  deletion_window_in_days = 30 # the longest there is: with the key go all bundles

  tags = { Name = "${local.name}-data" }
}

resource "aws_kms_alias" "data" {
  name          = "alias/${local.name}-data"
  target_key_id = aws_kms_key.data.key_id
}

# Log groups, topics, queues, ECS Exec, the backup vault.
data "aws_iam_policy_document" "ops_key" {
  #checkov:skip=CKV_AWS_109:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_111:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_356:the policy of a key speaks of this key alone, whatever its resource says
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.key_owner]
    }
  }

  # CloudWatch Logs asks in its own name, and says for which log group.
  statement {
    sid       = "LogGroups"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:*"]
    }
  }

  # Alarms to the topic.
  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }

  # Events, budgets and backups to the topic, S3's notices to the queue. They tell KMS no account: a condition on one
  # would lose every message without a word. Who may send there, and for whom, stands in the topic's and queue's policy.
  statement {
    sid       = "EventsBudgetsBackupsAndUploads"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com", "budgets.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"]
    }
  }
}

resource "aws_kms_key" "ops" {
  description             = "${local.name}: logs, topics, queues, ECS Exec, backups"
  policy                  = data.aws_iam_policy_document.ops_key.json
  enable_key_rotation     = true
  deletion_window_in_days = 30 # the longest there is: with the key go a year of logs and every backup

  tags = { Name = "${local.name}-ops" }
}

resource "aws_kms_alias" "ops" {
  name          = "alias/${local.name}-ops"
  target_key_id = aws_kms_key.ops.key_id
}
