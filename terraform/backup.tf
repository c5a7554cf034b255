# Backups beside what the services keep themselves (35 days of the database, 30 of the bucket's versions): in a vault of
# their own, and in a second region where var.backup_copy_region names one.
#
# Bundles, and a file system that holds them, are kept for days and no more: a backup that outlives what was agreed
# with a customer is a deletion that did not happen (docs/retention.md). The database alone is kept for a year.

locals {
  copies = var.backup_copy_region == null ? [] : [var.backup_copy_region]

  backups = {
    daily   = { schedule = "cron(0 2 * * ? *)", days = 35 }
    monthly = { schedule = "cron(0 3 1 * ? *)", days = 365 }
  }
}

resource "aws_backup_vault" "this" {
  name          = local.name
  kms_key_arn   = aws_kms_key.ops.arn
  force_destroy = !var.deletion_protection
}

# Once the three days are over nobody can shorten or remove what lies in the vault, AWS itself included.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.backup_vault_lock ? 1 : 0

  backup_vault_name   = aws_backup_vault.this.name
  changeable_for_days = 3
  min_retention_days  = local.backups.daily.days
  max_retention_days  = local.backups.monthly.days
}

# The key of the first region is away when the region is.
data "aws_iam_policy_document" "backup_copy_key" {
  #checkov:skip=CKV_AWS_109:The policy of a key is about that key, and leaves it to IAM who may use it
  #checkov:skip=CKV_AWS_111:The policy of a key is about that key, and leaves it to IAM who may use it
  #checkov:skip=CKV_AWS_356:The policy of a key knows no other resource than the key
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "backup_copy" {
  count    = length(local.copies)
  provider = aws.backup_copy

  description             = "${local.name}: copies of backups"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.backup_copy_key.json
}

resource "aws_kms_alias" "backup_copy" {
  count    = length(local.copies)
  provider = aws.backup_copy

  name          = "alias/${local.name}-backup-copy"
  target_key_id = aws_kms_key.backup_copy[0].key_id
}

resource "aws_backup_vault" "copy" {
  count    = length(local.copies)
  provider = aws.backup_copy

  name          = "${local.name}-copy"
  kms_key_arn   = aws_kms_key.backup_copy[0].arn
  force_destroy = !var.deletion_protection
}

resource "aws_backup_vault_lock_configuration" "copy" {
  count    = var.backup_vault_lock ? length(local.copies) : 0
  provider = aws.backup_copy

  backup_vault_name   = aws_backup_vault.copy[0].name
  changeable_for_days = 3
  min_retention_days  = local.backups.daily.days
  max_retention_days  = local.backups.monthly.days
}

resource "aws_backup_plan" "this" {
  for_each = local.backups

  name = "${local.name}-${each.key}"

  rule {
    rule_name         = each.key
    target_vault_name = aws_backup_vault.this.name
    schedule          = each.value.schedule # UTC, after the database's own
    start_window      = 60                  # minutes
    completion_window = 720

    lifecycle {
      delete_after = each.value.days
    }

    dynamic "copy_action" {
      for_each = aws_backup_vault.copy
      content {
        destination_vault_arn = copy_action.value.arn
        lifecycle {
          delete_after = each.value.days
        }
      }
    }
  }
}

resource "aws_backup_selection" "daily" {
  name         = "${local.name}-daily"
  plan_id      = aws_backup_plan.this["daily"].id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [aws_rds_cluster.portal.arn, aws_efs_file_system.shared.arn, aws_s3_bucket.uploads.arn]
}

resource "aws_backup_selection" "monthly" {
  name         = "${local.name}-monthly"
  plan_id      = aws_backup_plan.this["monthly"].id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [aws_rds_cluster.portal.arn]
}
