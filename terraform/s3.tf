# Two buckets: what people send, and who asked for what. Who may do what with them: s3_policies.tf.

locals {
  incoming = "incoming/" # received whole or in part, not looked at yet
  files    = "files/"    # sealed, scanned, fetched
}

resource "aws_s3_bucket" "uploads" {
  #checkov:skip=CKV_AWS_144:Loss of the region is met by backup.tf, whose copies lie in a second region; replication would carry every deletion of a bundle along, and no way back
  bucket        = "${local.name}-uploads-${local.account_id}"
  force_destroy = !var.deletion_protection
  tags          = { Name = "${local.name}-uploads" }
}

resource "aws_s3_bucket_public_access_block" "uploads" {
  bucket                  = aws_s3_bucket.uploads.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# A verdict is bound to a version; without versions the portal sends downloads itself (docs/storage.md).
resource "aws_s3_bucket_versioning" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  versioning_configuration {
    status = "Enabled"
  }
}

# Browsers send parts with no word of encryption: this is what encrypts them.
resource "aws_s3_bucket_server_side_encryption_configuration" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  rule {
    bucket_key_enabled       = true # one call to KMS for many objects
    blocked_encryption_types = ["SSE-C"]
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data.arn
    }
  }
}

# Nothing that is current ever expires here. What waits under incoming/ has been acknowledged, and files/ ends by the
# portal's own retention, because a legal hold outranks time (docs/retention.md).
resource "aws_s3_bucket_lifecycle_configuration" "uploads" {
  bucket                                 = aws_s3_bucket.uploads.id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 8 # more than the 7 days for which an upload can be gone on with (DIAGPORT_RESUMABLE_FOR)
    }
  }

  rule {
    id     = "incoming"
    status = "Enabled"
    filter {
      prefix = local.incoming
    }
    noncurrent_version_expiration {
      noncurrent_days = 1 # each synced offset, and each bundle once it has moved, leaves one
    }
    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "files"
    status = "Enabled"
    filter {
      prefix = local.files
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 90
      storage_class = "GLACIER_IR" # is read at once, so that a bundle can be scanned again and fetched
    }
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.uploads]
}

# Pages of the portal, and no others, may send parts and fetch (docs/storage.md).
resource "aws_s3_bucket_cors_configuration" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  cors_rule {
    allowed_origins = [local.base_url]
    allowed_methods = ["PUT", "GET", "HEAD"]
    allowed_headers = ["content-type", "x-amz-checksum-sha256"]
    expose_headers  = ["ETag", "x-amz-checksum-sha256"] # a multipart upload cannot be completed without the ETags
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_logging" "uploads" {
  bucket        = aws_s3_bucket.uploads.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/uploads/"
  target_object_key_format {
    partitioned_prefix {
      partition_date_source = "EventTime"
    }
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

# Uploads whose sender never called back are found by these notes. AWS Backup switches EventBridge on for a bucket
# that it backs up: said here too, or each plan would switch it off again.
resource "aws_s3_bucket_notification" "uploads" {
  bucket      = aws_s3_bucket.uploads.id
  eventbridge = true

  queue {
    id            = "incoming"
    queue_arn     = aws_sqs_queue.upload_events.arn
    events        = ["s3:ObjectCreated:CompleteMultipartUpload"] # any other would be a message for each checkpoint
    filter_prefix = local.incoming
  }

  depends_on = [aws_sqs_queue_policy.upload_events]
}
