# Who may do what with the buckets. What roles are allowed stands in iam.tf; here is what is refused whatever they are
# allowed, and what services of AWS may write.

data "aws_iam_policy_document" "uploads" {
  statement {
    sid       = "PlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.uploads.arn, "${aws_s3_bucket.uploads.arn}/*"]
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
    sid       = "OldTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.uploads.arn, "${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }

  # Browsers name no encryption, and get the bucket's. Whoever names one must name that one. The first condition of
  # each pair is needed: a comparison with "not equal" is also true where the header is absent.
  statement {
    sid       = "OtherEncryption"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["false"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["aws:kms"]
    }
  }

  statement {
    sid       = "OtherKey"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = ["false"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = [aws_kms_key.data.arn]
    }
  }

  statement {
    sid       = "CustomerKey"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-customer-algorithm"
      values   = ["false"]
    }
  }

  # The web hands out what a worker has judged. An object without the tag is denied too: "not equal" is true of it.
  statement {
    sid    = "WebReadsJudged"
    effect = "Deny"
    actions = [
      "s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes",
    ]
    resources = ["${aws_s3_bucket.uploads.arn}/${local.files}*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task["web"].arn]
    }
    condition {
      test     = "StringNotEquals"
      variable = "s3:ExistingObjectTag/scan-status"
      values   = ["clean", "salvage"]
    }
  }

  # A signed address outlives the look at the row that made it; so what is only salvaged never has one.
  statement {
    sid       = "SignedAddressesAreForClean"
    effect    = "Deny"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.uploads.arn}/${local.files}*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task["web"].arn]
    }
    condition {
      test     = "StringNotEquals"
      variable = "s3:ExistingObjectTag/scan-status"
      values   = ["clean"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:authType"
      values   = ["REST-QUERY-STRING"]
    }
  }

  # Nor can it write its own verdict, replace what was judged, or remove anything.
  statement {
    sid    = "WebNeitherTagsNorDeletes"
    effect = "Deny"
    actions = [
      "s3:DeleteObject", "s3:DeleteObjectTagging", "s3:DeleteObjectVersion", "s3:DeleteObjectVersionTagging",
      "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
    ]
    resources = ["${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task["web"].arn]
    }
  }

  statement {
    sid           = "WebWritesIncoming"
    effect        = "Deny"
    actions       = ["s3:PutObject"]
    not_resources = ["${aws_s3_bucket.uploads.arn}/${local.incoming}*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task["web"].arn]
    }
  }
}

resource "aws_s3_bucket_policy" "uploads" {
  bucket     = aws_s3_bucket.uploads.id
  policy     = data.aws_iam_policy_document.uploads.json
  depends_on = [aws_s3_bucket_public_access_block.uploads]
}

data "aws_iam_policy_document" "logs" {
  statement {
    sid       = "PlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*"]
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

  # The account stands in the path: no other account's load balancer can write here.
  statement {
    sid     = "LoadBalancer"
    actions = ["s3:PutObject"]
    resources = [
      for prefix in ["alb", "alb-connections"] : "${aws_s3_bucket.logs.arn}/${prefix}/AWSLogs/${local.account_id}/*"
    ]
    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }

  statement {
    sid       = "Buckets"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/s3/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:s3:::${local.name}-*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket     = aws_s3_bucket.logs.id
  policy     = data.aws_iam_policy_document.logs.json
  depends_on = [aws_s3_bucket_public_access_block.logs]
}
