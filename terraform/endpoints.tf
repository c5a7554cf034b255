# Ways to AWS's own services that do not leave the VPC. S3's costs nothing and carries the bundles; the others cost
# about 8 dollars a month and zone, and are chosen in interface_endpoints. Their policies let through what tasks do
# there, with things of ours, as principals of accounts that are ours: nobody carries data out with credentials of
# their own. What each task may do is said by its role.

locals {
  # The portal may take on roles in other accounts (aws_roles_map), and then asks as one of theirs.
  own_account_ids = distinct(concat([local.account_id], [for arn in local.application_role_arns : split(":", arn)[4]]))
  ecr_account_id  = split(".", var.ecr_registry)[0]

  ecr_actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
  ecr_images  = ["arn:${local.partition}:ecr:${var.region}:${local.ecr_account_id}:repository/${var.project}/*"]

  # What tasks do: with which things of ours, and, where a service knows no things, with no matter what (`any`).
  # SES is left out: whether its endpoint takes a policy is not documented, and IAM says who may send for whom.
  endpoint_leaves = {
    "ecr.api" = { any = ["ecr:GetAuthorizationToken"], actions = local.ecr_actions, resources = local.ecr_images }
    "ecr.dkr" = { any = ["ecr:GetAuthorizationToken"], actions = local.ecr_actions, resources = local.ecr_images }
    "logs" = {
      any       = ["logs:DescribeLogGroups"]
      actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      resources = ["arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/ecs/${local.name}/*"]
    }
    "secretsmanager" = {
      any       = []
      actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      resources = ["arn:${local.partition}:secretsmanager:${var.region}:${local.account_id}:secret:*"]
    }
    "ssm" = {
      any       = []
      actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      resources = ["arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/${var.environment}/*"]
    }
    "ssmmessages" = {
      any       = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
      actions   = []
      resources = []
    }
    "kms" = {
      any       = []
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      resources = [for id in local.own_account_ids : "arn:${local.partition}:kms:${var.region}:${id}:key/*"]
    }
    "sqs" = {
      any       = []
      actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
      resources = [for id in local.own_account_ids : "arn:${local.partition}:sqs:${var.region}:${id}:*"]
    }
    "sns" = {
      any       = []
      actions   = ["sns:Publish"]
      resources = [for id in local.own_account_ids : "arn:${local.partition}:sns:${var.region}:${id}:*"]
    }
    "sts" = {
      any       = ["sts:GetCallerIdentity"]
      actions   = ["sts:AssumeRole"]
      resources = [for id in local.own_account_ids : "arn:${local.partition}:iam::${id}:role/*"]
    }
    "monitoring" = { any = ["cloudwatch:PutMetricData"], actions = [], resources = [] }
  }
}

data "aws_iam_policy_document" "s3_endpoint" {
  statement {
    sid = "Bundles"
    actions = [
      "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectTagging", "s3:DeleteObjectVersion",
      "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging",
      "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:GetLifecycleConfiguration",
      "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions", "s3:ListMultipartUploadParts",
      "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
    ]
    resources = [aws_s3_bucket.uploads.arn, "${aws_s3_bucket.uploads.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = local.own_account_ids
    }
  }

  # ECR hands out addresses in a bucket of its own, signed by ECR: the layers of images come from there.
  statement {
    sid       = "ImageLayers"
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::prod-${var.region}-starport-layer-bucket/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for zone in var.availability_zones : aws_route_table.app[zone].id]
  policy            = data.aws_iam_policy_document.s3_endpoint.json

  tags = { Name = "${local.name}-s3" }
}

data "aws_iam_policy_document" "interface_endpoint" {
  for_each = { for service, leave in local.endpoint_leaves : service => leave if contains(var.interface_endpoints, service) }

  dynamic "statement" {
    for_each = length(each.value.actions) > 0 ? [1] : []

    content {
      sid       = "Ours"
      actions   = each.value.actions
      resources = each.value.resources

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalAccount"
        values   = local.own_account_ids
      }
    }
  }

  dynamic "statement" {
    for_each = length(each.value.any) > 0 ? [1] : []

    content {
      sid       = "WithoutThings"
      actions   = each.value.any
      resources = ["*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalAccount"
        values   = local.own_account_ids
      }
    }
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true # tasks need no other address than usual
  subnet_ids          = local.app_subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = contains(keys(local.endpoint_leaves), each.key) ? data.aws_iam_policy_document.interface_endpoint[each.key].json : null

  tags = { Name = "${local.name}-${each.key}" }
}
