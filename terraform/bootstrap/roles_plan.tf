# Plans: read how everything is set up, and nothing of what lies in it.

data "aws_iam_policy_document" "state_access" {
  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    sid       = "ReadState"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "Lock"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/*.tflock"]
  }

  statement {
    sid       = "StateKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.state.arn]
  }

  dynamic "statement" {
    for_each = aws_dynamodb_table.lock
    content {
      sid       = "LockTable"
      actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"]
      resources = [statement.value.arn]
    }
  }

  dynamic "statement" {
    for_each = length(var.assumable_role_arns) > 0 ? [1] : []
    content {
      sid       = "OtherAccounts"
      actions   = ["sts:AssumeRole"]
      resources = var.assumable_role_arns
    }
  }
}

data "aws_iam_policy_document" "plan" {
  source_policy_documents = [data.aws_iam_policy_document.state_access.json]

  # To compare, the provider fetches what Terraform itself put there. The state has the same values. A schedule with a key
  # of ours is decrypted for whoever looks at it, too.
  statement {
    sid       = "CompareSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["arn:${local.partition}:secretsmanager:*:${var.account_id}:secret:${var.project}/${var.environment}/*"]
  }

  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${local.partition}:kms:*:${var.account_id}:key/*"]
    condition {
      test     = "StringLike"
      variable = "kms:ViaService"
      values   = ["scheduler.*.amazonaws.com", "secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"]
    }
  }

  # ReadOnlyAccess reads more than settings.
  statement {
    sid           = "NoObjects"
    effect        = "Deny"
    actions       = ["s3:GetObject*"]
    not_resources = ["${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid    = "NoContents"
    effect = "Deny"
    actions = [
      "athena:GetQueryResults*", "cloudtrail:LookupEvents", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan",
      "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "logs:FilterLogEvents", "logs:GetLogEvents",
      "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery",
      "rds:DownloadCompleteDBLogFile", "rds:DownloadDBLogFilePortion", "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }

  statement {
    sid           = "NoOtherSecrets"
    effect        = "Deny"
    actions       = ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"]
    not_resources = ["arn:${local.partition}:secretsmanager:*:${var.account_id}:secret:${var.project}/${var.environment}/*"]
  }
}

resource "aws_iam_role" "plan" {
  name                 = "${var.project}-terraform-plan"
  description          = "The pipeline's plans: reads settings, not data"
  assume_role_policy   = data.aws_iam_policy_document.trust["plan"].json
  max_session_duration = 3600
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name   = "state"
  role   = aws_iam_role.plan.id
  policy = data.aws_iam_policy_document.plan.json
}
