# Errors out of the logs, events of AWS that somebody should know of, logs for the archive, and the bill.

locals {
  runbook       = "https://github.com/${var.repository}/blob/main/docs/operations/alarms.md"
  log_namespace = "Diagport/${var.environment}/logs"
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  for_each = toset(["web", "worker", "scheduler"])

  name           = "${local.name}-${each.key}-errors"
  log_group_name = aws_cloudwatch_log_group.ecs[each.key].name
  pattern        = "{ ($.level = \"error\") || ($.level = \"critical\") }" # as app/log.py writes them

  metric_transformation {
    namespace     = local.log_namespace
    name          = "errors_${each.key}"
    value         = "1"
    default_value = "0"
  }
}

# The tasks' logs go to the logs account too, where nobody who can change this account can change them.
resource "aws_cloudwatch_log_subscription_filter" "archive" {
  for_each = var.log_archive_destination_arn == null ? {} : aws_cloudwatch_log_group.ecs

  name            = "${local.name}-archive"
  log_group_name  = each.value.name
  filter_pattern  = ""
  destination_arn = var.log_archive_destination_arn
}

locals {
  # What is told although no figure says it. Rotation is a notice, not a fault: the next migration takes the new password.
  events = {
    deployment-failed = {
      says = "ECS gave up a deployment and put the old release back."
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change"]
        resources   = [aws_ecs_service.web.id, aws_ecs_service.worker.id, aws_ecs_service.scheduler.id]
        detail      = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
      }
    }
    backup-failed = {
      says = "A backup did not come about."
      pattern = {
        source      = ["aws.backup"]
        detail-type = ["Backup Job State Change", "Copy Job State Change"]
        detail      = { state = ["FAILED", "ABORTED", "EXPIRED"] }
      }
    }
    database-failover = {
      says = "The database changed over to its other instance."
      pattern = {
        source      = ["aws.rds"]
        detail-type = ["RDS DB Cluster Event"]
        resources   = [aws_rds_cluster.portal.arn]
        detail      = { EventCategories = ["failover"] }
      }
    }
    password-rotated = {
      says = "The database owner's password was changed, or could not be. CloudTrail must be on for this one."
      pattern = {
        source      = ["aws.secretsmanager"]
        detail-type = ["AWS Service Event via CloudTrail"]
        detail = {
          eventName           = ["RotationSucceeded", "RotationFailed"]
          additionalEventData = { SecretId = [aws_rds_cluster.portal.master_user_secret[0].secret_arn] }
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "told" {
  for_each = local.events

  name          = "${local.name}-${each.key}"
  description   = each.value.says
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "told" {
  for_each = local.events

  rule = aws_cloudwatch_event_rule.told[each.key].name
  arn  = aws_sns_topic.alarms.arn

  input_transformer {
    input_paths    = { at = "$.time", what = "$.detail-type", resource = "$.resources[0]" }
    input_template = "\"${local.name}: ${each.value.says} <what>, <resource>, <at>. What to do: ${local.runbook}#${each.key}\"" # jsonencode would hide < and >
  }
}

# Of all that the account costs: it is this environment's alone, and tags would leave out traffic and much else.
resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget_usd > 0 ? 1 : 0

  name         = "${local.name}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  notification {
    comparison_operator       = "GREATER_THAN"
    notification_type         = "ACTUAL"
    threshold                 = 80
    threshold_type            = "PERCENTAGE"
    subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
  }

  notification {
    comparison_operator       = "GREATER_THAN"
    notification_type         = "FORECASTED"
    threshold                 = 100
    threshold_type            = "PERCENTAGE"
    subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
  }
}
