# What tasks may do to bundles: the table of docs/storage.md. Web tasks delete nothing and tag nothing.

locals {
  bundles = {
    bucket   = aws_s3_bucket.uploads.arn
    incoming = "${aws_s3_bucket.uploads.arn}/incoming/*"
    files    = "${aws_s3_bucket.uploads.arn}/files/*"
  }

  receive = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
  remove  = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
  # The verdict stands on each version in files/ as a tag, by which the bucket's policy decides what web tasks read.
  tag = ["s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"]

  storage = {
    web = {
      bucket   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
      incoming = local.receive
      files    = ["s3:GetObject", "s3:GetObjectVersion"]
    }
    worker    = local.storage_of_jobs
    scheduler = local.storage_of_jobs
  }
  storage_of_jobs = {
    bucket   = ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]
    incoming = concat(local.receive, local.remove)
    files    = concat(local.receive, local.remove, local.tag)
  }
}

data "aws_iam_policy_document" "storage" {
  for_each = local.storage

  dynamic "statement" {
    for_each = each.value
    content {
      sid       = title(statement.key)
      actions   = statement.value
      resources = [local.bundles[statement.key]]
    }
  }

  statement {
    sid       = "KeyOfTheBucket"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }

    # The same key protects other things. S3 names the bucket, or the object where there is no bucket key.
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:s3:arn"
      values   = [local.bundles.bucket, "${local.bundles.bucket}/*"]
    }
  }
}

resource "aws_iam_role_policy" "storage" {
  for_each = local.storage

  name   = "storage"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.storage[each.key].json
}

# The shared file system, by access point: signatures for whoever fetches them, bundles where they lie there.
# A worker whose signatures are missing or old fetches them itself before it starts, so it writes there too.
locals {
  mounts = merge(
    {
      for role in ["worker", "freshclam"] :
      "${role}-signatures" => { role = role, access_point = aws_efs_access_point.clamav.arn }
    },
    {
      for role in ["web", "worker", "scheduler"] :
      "${role}-bundles" => { role = role, access_point = aws_efs_access_point.uploads.arn } if local.on_efs
    },
  )
}

data "aws_iam_policy_document" "mount" {
  for_each = local.mounts

  statement {
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.shared.arn]

    condition {
      test     = "ArnEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [each.value.access_point]
    }
  }
}

resource "aws_iam_role_policy" "mount" {
  for_each = local.mounts

  name   = "mount-${trimprefix(each.key, "${each.value.role}-")}"
  role   = aws_iam_role.task[each.value.role].id
  policy = data.aws_iam_policy_document.mount[each.key].json
}
