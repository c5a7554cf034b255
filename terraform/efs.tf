# ClamAV's signatures, which every worker reads and one task writes; and, with storage_backend = "efs", the bundles.
# The root directory is never mounted: only its two access points are.

resource "aws_efs_file_system" "shared" {
  creation_token  = local.name
  encrypted       = true
  kms_key_id      = aws_kms_key.data.arn
  throughput_mode = "elastic" # reading 300 MB of signatures at a worker's start must not wait for credits
  tags            = { Name = local.name }
}

resource "aws_efs_mount_target" "shared" {
  for_each = aws_subnet.data

  file_system_id  = aws_efs_file_system.shared.id
  subnet_id       = each.value.id
  security_groups = [aws_security_group.efs.id]
}

resource "aws_efs_access_point" "uploads" {
  file_system_id = aws_efs_file_system.shared.id
  posix_user {
    uid = 10001 # the portal's image
    gid = 10001
  }
  root_directory {
    path = "/uploads"
    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "0750"
    }
  }
  tags = { Name = "${local.name}-uploads" }
}

resource "aws_efs_access_point" "clamav" {
  file_system_id = aws_efs_file_system.shared.id
  posix_user {
    uid = 100 # the ClamAV image
    gid = 101
  }
  root_directory {
    path = "/clamav"
    creation_info {
      owner_uid   = 100
      owner_gid   = 101
      permissions = "0750"
    }
  }
  tags = { Name = "${local.name}-clamav" }
}

locals {
  # Access point -> roles that mount it. The worker may have to fetch signatures itself, where there are none yet.
  efs_mounts = merge(
    { Signatures = { point = aws_efs_access_point.clamav.arn, roles = ["worker", "freshclam"] } },
    local.on_efs ? { Bundles = { point = aws_efs_access_point.uploads.arn, roles = ["web", "worker", "scheduler"] } } : {},
  )
}

data "aws_iam_policy_document" "efs" {
  statement {
    sid       = "NotEncrypted"
    effect    = "Deny"
    actions   = ["elasticfilesystem:*"]
    resources = [aws_efs_file_system.shared.arn]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "Root"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientRootAccess"]
    resources = [aws_efs_file_system.shared.arn]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }

  dynamic "statement" {
    for_each = local.efs_mounts
    content {
      sid       = statement.key
      actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      resources = [aws_efs_file_system.shared.arn]
      principals {
        type        = "AWS"
        identifiers = [for role in statement.value.roles : aws_iam_role.task[role].arn]
      }
      condition {
        test     = "ArnEquals"
        variable = "elasticfilesystem:AccessPointArn"
        values   = [statement.value.point]
      }
      condition {
        test     = "Bool"
        variable = "elasticfilesystem:AccessedViaMountTarget"
        values   = ["true"]
      }
    }
  }
}

resource "aws_efs_file_system_policy" "shared" {
  file_system_id = aws_efs_file_system.shared.id
  policy         = data.aws_iam_policy_document.efs.json
}

# backup.tf backs it up, to a vault of ours and under its lock. AWS's automatic backups would do so a second time.
resource "aws_efs_backup_policy" "shared" {
  file_system_id = aws_efs_file_system.shared.id
  backup_policy {
    status = "DISABLED"
  }
}
