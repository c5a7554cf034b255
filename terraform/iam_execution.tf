# What the execution role may: exactly what starting our tasks takes.

locals {
  registry = regex("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.", var.ecr_registry)

  # Everything that tasks are given as secrets (ecs_environment.tf).
  secret_arns = concat(
    [for secret in aws_secretsmanager_secret.application : secret.arn],
    [for secret in aws_secretsmanager_secret.operator : secret.arn],
    [aws_rds_cluster.portal.master_user_secret[0].secret_arn],
  )
  parameter_path_arn = "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/${var.environment}/*"
}

data "aws_iam_policy_document" "execution" {
  #checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resource; a token is for no repository, pulling is limited below
  statement {
    sid       = "SignInAtRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid     = "PullOurImages"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [
      for repository in ["app", "clamav"] :
      "arn:${local.partition}:ecr:${local.registry.region}:${local.registry.account}:repository/${var.project}/${repository}"
    ]
  }

  statement {
    sid       = "WriteTaskLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for service, group in aws_cloudwatch_log_group.ecs : "${group.arn}:*" if service != "exec"]
  }

  statement {
    sid       = "ReadListedSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.secret_arns
  }

  statement {
    sid       = "ReadParametersOfEnvironment"
    actions   = ["ssm:GetParameters"]
    resources = [local.parameter_path_arn]
  }

  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.data.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com", "ssm.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-tasks"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
