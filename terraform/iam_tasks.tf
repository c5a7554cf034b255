# What tasks may do besides storing bundles (iam_storage.tf).

locals {
  mail_address = try(regex("<([^<>]+)>", var.mail.from)[0], var.mail.from)
  mail_actions = ["ses:SendEmail", "ses:SendRawEmail"] # version 2 of the API asks for both when a mail comes as MIME
}

# Messages leave from workers alone (container `deliver`): topics of channels, and mail.
data "aws_iam_policy_document" "messages" {
  statement {
    sid       = "Publish"
    actions   = ["sns:Publish"]
    resources = concat([aws_sns_topic.uploads.arn], var.channel_topic_arns)
  }

  statement {
    sid       = "KeyOfTheTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.ops.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sns.${var.region}.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = var.mail.via == "ses" ? [var.mail.ses_identity] : []
    content {
      sid       = "SendMail"
      actions   = local.mail_actions
      resources = ["arn:${local.partition}:ses:${var.region}:${local.account_id}:identity/${statement.value}"]

      condition {
        test     = "StringEquals"
        variable = "ses:FromAddress"
        values   = [local.mail_address]
      }
    }
  }
}

resource "aws_iam_role_policy" "messages" {
  name   = "messages"
  role   = aws_iam_role.task["worker"].id
  policy = data.aws_iam_policy_document.messages.json
}

# While a worker scans it asks ECS to leave its task alone. ECS' agent asks in the name of the task's role.
data "aws_iam_policy_document" "protection" {
  statement {
    actions   = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    resources = ["arn:${local.partition}:ecs:${var.region}:${local.account_id}:task/${aws_ecs_cluster.this.name}/*"]
  }
}

resource "aws_iam_role_policy" "protection" {
  name   = "task-protection"
  role   = aws_iam_role.task["worker"].id
  policy = data.aws_iam_policy_document.protection.json
}

# S3 tells of uploads whose browsers never came back; the scheduler listens.
data "aws_iam_policy_document" "receive_events" {
  statement {
    sid       = "Receive"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.upload_events.arn]
  }

  statement {
    sid       = "KeyOfTheQueue"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.ops.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sqs.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "upload_events" {
  name   = "upload-events"
  role   = aws_iam_role.task["scheduler"].id
  policy = data.aws_iam_policy_document.receive_events.json
}

# Roles, of other accounts as a rule, that `aws_roles_map` gives the portal for its calls. Web tasks store and send
# nothing else, so they take on no role that is for messages.
locals {
  mapped_roles = {
    for role, arns in {
      web       = distinct(flatten([for category in ["STORAGE", "DEFAULT"] : values(lookup(local.application_roles, category, {}))]))
      worker    = local.application_role_arns
      scheduler = local.application_role_arns
    } : role => arns if length(arns) > 0
  }
}

data "aws_iam_policy_document" "mapped_roles" {
  for_each = local.mapped_roles

  statement {
    actions   = ["sts:AssumeRole"]
    resources = each.value
  }
}

resource "aws_iam_role_policy" "mapped_roles" {
  for_each = local.mapped_roles

  name   = "mapped-roles"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.mapped_roles[each.key].json
}

# A shell in a task (ECS Exec), only where `enable_ecs_exec` says so. What is typed goes to the log group `exec`.
data "aws_iam_policy_document" "exec" {
  #checkov:skip=CKV_AWS_356:these actions know no resource
  count = var.enable_ecs_exec ? 1 : 0

  statement {
    sid = "Channels"
    actions = [
      "logs:DescribeLogGroups",
      "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "Record"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.ecs["exec"].arn}:*"]
  }

  statement {
    sid       = "KeyOfTheSession"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.ops.arn]
  }
}

resource "aws_iam_role_policy" "exec" {
  for_each = var.enable_ecs_exec ? toset(["web", "worker", "scheduler"]) : []

  name   = "exec"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.exec[0].json
}
