# What the firewall logs, and what it must not: nobody who reads logs may find what opens the portal there.

locals {
  # Whole query strings are left out too: search words, and the codes that sign-in providers send people back with.
  redacted_headers = ["authorization", "cookie", "referer", "upload-metadata", "x-csrf-token", "x-csrftoken"]
}

resource "aws_cloudwatch_log_group" "waf" {
  name              = "aws-waf-logs-${local.name}" # the firewall writes to no group whose name begins otherwise
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

data "aws_iam_policy_document" "waf_logs" {
  statement {
    sid       = "Firewall"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.waf.arn}:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:logs:${var.region}:${local.account_id}:*"]
    }
  }
}

resource "aws_cloudwatch_log_resource_policy" "waf" {
  policy_name     = "${local.name}-waf"
  policy_document = data.aws_iam_policy_document.waf_logs.json
}

resource "aws_wafv2_web_acl_logging_configuration" "portal" {
  resource_arn            = aws_wafv2_web_acl.portal.arn
  log_destination_configs = [aws_cloudwatch_log_group.waf.arn]

  dynamic "redacted_fields" {
    for_each = local.redacted_headers

    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }

  redacted_fields {
    query_string {}
  }

  # A path can be left out of every line or of none. So requests whose path is a secret (tickets, invitations,
  # resets, unsubscribing) are not logged at all; the rules that refused them still count.
  logging_filter {
    default_behavior = "KEEP"

    filter {
      behavior    = "DROP"
      requirement = "MEETS_ANY"

      condition {
        label_name_condition {
          label_name = "awswaf:${local.account_id}:webacl:${local.name}:secret-in-address"
        }
      }
    }
  }

  depends_on = [aws_cloudwatch_log_resource_policy.waf]
}
