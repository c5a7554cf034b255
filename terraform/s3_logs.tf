# Access logs: of the load balancer, and of the buckets.

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV_AWS_145:The load balancer writes its logs only where S3's own key encrypts them
  #checkov:skip=CKV_AWS_18:The logs of the bucket of logs would lie in that bucket, and be logged
  #checkov:skip=CKV_AWS_144:Logs are no customer's data, and are not needed to begin again in another region
  #checkov:skip=CKV2_AWS_62:Nothing happens when a log arrives
  bucket        = "${local.name}-logs-${local.account_id}"
  force_destroy = !var.deletion_protection
  tags          = { Name = "${local.name}-logs" }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    blocked_encryption_types = ["SSE-C"]
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256" # the only one that the load balancer can write with
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "logs"
    status = "Enabled"
    filter {}
    expiration {
      days = var.log_retention_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 30 # a log that somebody removed or replaced
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.logs]
}
