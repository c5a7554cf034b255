# Who pushes: the pipeline of the main branch. bootstrap/ has made the providers, and the boundary.

locals {
  oidc = "arn:${local.partition}:iam::${local.account_id}:oidc-provider"
}

data "aws_iam_policy_document" "push_trust" {
  statement {
    sid     = "GitHub"
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["${local.oidc}/token.actions.githubusercontent.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.repository}:ref:refs/heads/main"]
    }
  }

  dynamic "statement" {
    for_each = var.circleci[*]
    content {
      sid     = "CircleCI"
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = ["${local.oidc}/oidc.circleci.com/org/${statement.value.organization_id}"]
      }
      condition {
        test     = "StringEquals"
        variable = "oidc.circleci.com/org/${statement.value.organization_id}:aud"
        values   = [statement.value.organization_id]
      }
      condition {
        test     = "StringLike"
        variable = "oidc.circleci.com/org/${statement.value.organization_id}:sub"
        values = [
          "org/${statement.value.organization_id}/project/${statement.value.project_id}/user/*/vcs-origin/${statement.value.origin}/vcs-ref/refs/heads/main",
        ]
      }
      # A star also matches slashes: a branch could be called x/vcs-origin/.../vcs-ref/refs/heads/main.
      condition {
        test     = "StringNotLike"
        variable = "oidc.circleci.com/org/${statement.value.organization_id}:sub"
        values   = ["*/vcs-ref/*/vcs-ref/*"]
      }
    }
  }
}

resource "aws_iam_role" "image_push" {
  name                 = "${local.name}-image-push"
  description          = "The pipeline of the main branch pushes images"
  assume_role_policy   = data.aws_iam_policy_document.push_trust.json
  permissions_boundary = "arn:${local.partition}:iam::${local.account_id}:policy/${var.project}-boundary"
  max_session_duration = 3600
}

data "aws_iam_policy_document" "push" {
  #checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resource; a token is for no repository, pushing is limited below
  statement {
    sid       = "SignInAtRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  # It can neither remove an image nor change what a tag names.
  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [for repository in aws_ecr_repository.this : repository.arn]
  }
}

resource "aws_iam_role_policy" "push" {
  name   = "push-images"
  role   = aws_iam_role.image_push.id
  policy = data.aws_iam_policy_document.push.json
}
