# Who acts as what. One role starts tasks, each kind of task has a role of its own, and AWS' services have theirs.
# What they may do stands in iam_*.tf; nothing is granted that is not listed there.

locals {
  # Whatever a role's policies say, it may do no more than this (bootstrap/); the apply role can make no role without it.
  boundary_arn = "arn:${local.partition}:iam::${local.account_id}:policy/${var.project}-boundary"

  # Which service may take on which role, and on behalf of what alone: of nothing that another account owns.
  # AWS Backup does not document that it names what it acts for; where it does not, PassRole is the only guard.
  trusts = {
    tasks     = { service = "ecs-tasks", source = "ecs:${var.region}:${local.account_id}:*" }
    flow_logs = { service = "vpc-flow-logs", source = "ec2:${var.region}:${local.account_id}:vpc-flow-log/*" }
    rds       = { service = "monitoring.rds", source = "rds:${var.region}:${local.account_id}:db:${local.name}-*" }
    scheduler = { service = "scheduler", source = "scheduler:${var.region}:${local.account_id}:schedule-group/${local.name}" }
    backup    = { service = "backup", source = "backup:${var.region}:${local.account_id}:*", if_named = true }
  }

  task_roles = {
    web       = "The portal's web tasks: take uploads into incoming/, read what is clean."
    worker    = "Workers: settle, scan, tag and delete bundles, send messages."
    scheduler = "The scheduler: sweeps bundles nobody needs, hears of uploads from SQS."
    migrate   = "Migrations: the database alone, whose password they are given at start."
    freshclam = "Fetches the virus scanner's signatures onto the shared file system."
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = local.trusts

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.value.service}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals${can(each.value.if_named) ? "IfExists" : ""}"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike${can(each.value.if_named) ? "IfExists" : ""}"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:${each.value.source}"]
    }
  }
}

# Starts tasks: pulls images, reads secrets into their environment, opens their logs. No code of ours runs as it.
resource "aws_iam_role" "execution" {
  name                 = "${local.name}-execution"
  description          = "Starts tasks: pulls images, reads the listed secrets, writes logs."
  assume_role_policy   = data.aws_iam_policy_document.trust["tasks"].json
  permissions_boundary = local.boundary_arn
}

resource "aws_iam_role" "task" {
  for_each = local.task_roles

  name                 = "${local.name}-${each.key}"
  description          = each.value
  assume_role_policy   = data.aws_iam_policy_document.trust["tasks"].json
  permissions_boundary = local.boundary_arn
}

resource "aws_iam_role" "flow_logs" {
  name                 = "${local.name}-flow-logs"
  description          = "Writes the VPC's flow logs."
  assume_role_policy   = data.aws_iam_policy_document.trust["flow_logs"].json
  permissions_boundary = local.boundary_arn
}

resource "aws_iam_role" "rds_monitoring" {
  name                 = "${local.name}-rds-monitoring"
  description          = "Writes the database's operating system figures."
  assume_role_policy   = data.aws_iam_policy_document.trust["rds"].json
  permissions_boundary = local.boundary_arn
}

resource "aws_iam_role" "scheduler" {
  name                 = "${local.name}-schedules"
  description          = "EventBridge Scheduler: runs the freshclam task."
  assume_role_policy   = data.aws_iam_policy_document.trust["scheduler"].json
  permissions_boundary = local.boundary_arn
}

resource "aws_iam_role" "backup" {
  name                 = "${local.name}-backup"
  description          = "AWS Backup: makes, copies and restores backups."
  assume_role_policy   = data.aws_iam_policy_document.trust["backup"].json
  permissions_boundary = local.boundary_arn
}
