# Optional: the bucket behind cloudfront.tf, and a release's files put into it before its first task starts.

resource "aws_s3_bucket" "assets" {
  #checkov:skip=CKV_AWS_144:every file is in the image as well, and is put here again from there
  #checkov:skip=CKV_AWS_145:what lies here is public
  #checkov:skip=CKV2_AWS_62:nothing happens when a file arrives
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket        = "${local.name}-assets-${local.account_id}"
  force_destroy = !(local.production || var.deletion_protection)

  tags = { Name = "${local.name}-assets" }
}

resource "aws_s3_bucket_public_access_block" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket                  = aws_s3_bucket.assets[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket = aws_s3_bucket.assets[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket = aws_s3_bucket.assets[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket = aws_s3_bucket.assets[0].id

  rule {
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_logging" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket        = aws_s3_bucket.assets[0].id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/assets/"
}

# What is current stays: a release may come back, or never have gone. A thousand of them are two gigabytes.
resource "aws_s3_bucket_lifecycle_configuration" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket = aws_s3_bucket.assets[0].id

  rule {
    id     = "removed"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30 # what somebody removed by mistake
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.assets]
}

data "aws_iam_policy_document" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  statement {
    sid       = "PlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.assets[0].arn, "${aws_s3_bucket.assets[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  # What pages of a release run is never replaced, not even by whoever deploys: a file is put where there is none.
  statement {
    sid       = "Overwriting"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.assets[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
  }

  statement {
    sid       = "CloudFrontReads"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.assets[0].arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudfront_distribution.assets[0].arn]
    }
  }
}

resource "aws_s3_bucket_policy" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  bucket = aws_s3_bucket.assets[0].id
  policy = data.aws_iam_policy_document.assets[0].json

  depends_on = [aws_s3_bucket_public_access_block.assets]
}

# The web service waits for this: its pages name files that must be there. For each release once; with another tag
# nothing of the earlier one is touched.
resource "terraform_data" "assets" {
  count = var.enable_cloudfront_assets && var.sync_assets ? 1 : 0

  triggers_replace = [var.image_tag, aws_s3_bucket.assets[0].bucket]

  provisioner "local-exec" {
    command = <<-EOT
      ${local.as_the_provider}
      exec "$SCRIPT"
    EOT

    environment = {
      SESSION       = "${local.name}-assets"
      ROLE          = coalesce(local.terraform_role.default, "none")
      SCRIPT        = "${path.root}/../scripts/sync-assets.sh"
      ASSETS_BUCKET = aws_s3_bucket.assets[0].bucket
      ASSETS_TAG    = var.image_tag
      AWS_REGION    = var.region
    }
  }

  depends_on = [
    aws_s3_bucket_ownership_controls.assets,
    aws_s3_bucket_policy.assets,
    aws_s3_bucket_versioning.assets,
    aws_s3_bucket_server_side_encryption_configuration.assets,
    aws_route53_record.assets,
  ]
}
