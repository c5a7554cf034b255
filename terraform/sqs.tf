# S3 tells of each object that arrives under incoming/, so that the scheduler finds uploads whose sender never called
# back. Jobs are not here: they are rows, and Redis (docs/adr/0002-rows-are-the-truth.md).

resource "aws_sqs_queue" "upload_events" {
  name                              = "${local.name}-upload-events"
  kms_master_key_id                 = aws_kms_key.ops.arn
  kms_data_key_reuse_period_seconds = 300
  visibility_timeout_seconds        = 120
  receive_wait_time_seconds         = 20     # long polling
  message_retention_seconds         = 604800 # 7 days: as long as an upload may take
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.upload_events_dlq.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "upload_events_dlq" {
  name                              = "${local.name}-upload-events-dlq"
  kms_master_key_id                 = aws_kms_key.ops.arn
  kms_data_key_reuse_period_seconds = 300
  message_retention_seconds         = 1209600 # 14 days, the most there is
}

resource "aws_sqs_queue_redrive_allow_policy" "upload_events_dlq" {
  queue_url = aws_sqs_queue.upload_events_dlq.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.upload_events.arn]
  })
}

data "aws_iam_policy_document" "upload_events" {
  statement {
    sid       = "PlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.upload_events.arn]
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

  statement {
    sid       = "UploadsBucket"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.upload_events.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.uploads.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "upload_events" {
  queue_url = aws_sqs_queue.upload_events.id
  policy    = data.aws_iam_policy_document.upload_events.json
}

data "aws_iam_policy_document" "upload_events_dlq" {
  statement {
    sid       = "PlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.upload_events_dlq.arn]
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
}

resource "aws_sqs_queue_policy" "upload_events_dlq" {
  queue_url = aws_sqs_queue.upload_events_dlq.id
  policy    = data.aws_iam_policy_document.upload_events_dlq.json
}
