# The one alarm about what the world sees. Route 53 tells us-east-1 alone, and an alarm can only tell topics of its own
# region: so a topic and a key stand there too.

locals {
  alarms_outside = {
    portal-unreachable = {
      says = "The portal does not answer those who ask from around the world."
    }
  }
  seen_from_outside = length(aws_route53_health_check.portal) > 0 ? local.alarms_outside : {}
}

data "aws_iam_policy_document" "outside_key" {
  #checkov:skip=CKV_AWS_109:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_111:the policy of a key speaks of this key alone, whatever its resource says
  #checkov:skip=CKV_AWS_356:the policy of a key speaks of this key alone, whatever its resource says
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.key_owner]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_kms_key" "outside" {
  for_each = local.seen_from_outside
  provider = aws.us_east_1

  description             = "${local.name}: the topic of ${each.key}"
  policy                  = data.aws_iam_policy_document.outside_key.json
  enable_key_rotation     = true
  deletion_window_in_days = 30

  tags = { Name = "${local.name}-outside" }
}

resource "aws_sns_topic" "outside" {
  for_each = local.seen_from_outside
  provider = aws.us_east_1

  name              = "${local.name}-outside"
  display_name      = "${local.name} alarms"
  kms_master_key_id = aws_kms_key.outside[each.key].arn
}

resource "aws_sns_topic_subscription" "outside" {
  for_each = length(local.seen_from_outside) > 0 ? var.alarm_emails : []
  provider = aws.us_east_1

  topic_arn = aws_sns_topic.outside["portal-unreachable"].arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "outside" {
  for_each = local.seen_from_outside
  provider = aws.us_east_1

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.says} What to do: ${local.runbook}#${each.key}"
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.portal[0].id }
  statistic           = "Minimum"
  period              = 60
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.outside[each.key].arn]
  ok_actions          = [aws_sns_topic.outside[each.key].arn]
}
