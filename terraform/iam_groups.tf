# Groups for people. Who is in them is decided elsewhere: by the account's administrators, or by single sign-on.

# Reads logs and nothing else.
data "aws_iam_policy_document" "log_reader" {
  #checkov:skip=CKV_AWS_356:the two actions on everything know no resource
  statement {
    sid = "ReadLogs"
    actions = [
      "logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogGroupFields",
      "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery",
    ]
    resources = flatten([
      for group in ["/*/${local.name}*", "${local.name}-*", "aws-waf-logs-${local.name}*"] : [
        "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:${group}",
        "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:${group}:*",
      ]
    ])
  }

  statement {
    sid       = "FindLogs"
    actions   = ["logs:DescribeLogGroups", "logs:StopQuery"]
    resources = ["*"]
  }
}

# Reads and changes this environment's settings; sets the operators' secrets, and cannot read them.
data "aws_iam_policy_document" "parameter_developer" {
  statement {
    sid = "Parameters"
    actions = [
      "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath",
      "ssm:LabelParameterVersion", "ssm:PutParameter",
    ]
    resources = [trimsuffix(local.parameter_path_arn, "/*"), local.parameter_path_arn]
  }

  statement {
    sid       = "OperatorSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.operator : secret.arn]
  }

  statement {
    sid       = "KeyOfParameters"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ssm.${var.region}.amazonaws.com", "secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "log_reader" {
  #checkov:skip=CKV_AWS_355:the two actions on everything know no resource
  name        = "${local.name}-log-reader"
  description = "Reads the logs of ${local.name}."
  policy      = data.aws_iam_policy_document.log_reader.json
}

resource "aws_iam_policy" "parameter_developer" {
  name        = "${local.name}-parameter-developer"
  description = "Changes the settings of ${local.name}."
  policy      = data.aws_iam_policy_document.parameter_developer.json
}

locals {
  people = {
    log-reader          = aws_iam_policy.log_reader.arn
    parameter-developer = aws_iam_policy.parameter_developer.arn
  }
}

resource "aws_iam_group" "this" {
  #checkov:skip=CKV2_AWS_14:who is in it is decided outside of this code
  for_each = local.people

  name = "${local.name}-${each.key}"
}

resource "aws_iam_group_policy_attachment" "this" {
  for_each = local.people

  group      = aws_iam_group.this[each.key].name
  policy_arn = each.value
}
