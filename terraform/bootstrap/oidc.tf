# Who the pipeline is: a signed statement of GitHub's or CircleCI's about the run, good for minutes. No keys are stored.

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_openid_connect_provider" "circleci" {
  count = var.circleci == null ? 0 : 1

  url            = "https://oidc.circleci.com/org/${var.circleci.organization_id}"
  client_id_list = [var.circleci.organization_id]
}

locals {
  github_subjects = {
    plan = concat(
      ["repo:${var.repository}:ref:refs/heads/main"],
      var.plan_pull_requests ? ["repo:${var.repository}:pull_request"] : [],
    )
    # A job has this subject only if it belongs to the environment, whose reviewers have let it go on. It says nothing of
    # the branch: that only main may use the environment is a rule of the environment in GitHub (docs/deploy/pipelines.md).
    apply = ["repo:${var.repository}:environment:${var.environment}"]
  }

  # .../vcs-origin/<origin>/vcs-ref/<ref>, of tokens of version 2.
  circleci_refs = {
    plan  = var.plan_pull_requests ? "refs/heads/*" : "refs/heads/main"
    apply = "refs/heads/main"
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["plan", "apply"])

  statement {
    sid     = "GitHub"
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = local.github_subjects[each.key]
    }
  }

  dynamic "statement" {
    for_each = aws_iam_openid_connect_provider.circleci
    content {
      sid     = "CircleCI"
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = [statement.value.arn]
      }
      condition {
        test     = "StringEquals"
        variable = "oidc.circleci.com/org/${var.circleci.organization_id}:aud"
        values   = [var.circleci.organization_id]
      }
      condition {
        test     = "StringLike"
        variable = "oidc.circleci.com/org/${var.circleci.organization_id}:sub"
        values = [
          "org/${var.circleci.organization_id}/project/${var.circleci.project_id}/user/*/vcs-origin/${var.circleci.origin}/vcs-ref/${local.circleci_refs[each.key]}",
        ]
      }
      # A star also matches slashes: a branch could be called x/vcs-origin/.../vcs-ref/refs/heads/main.
      condition {
        test     = "StringNotLike"
        variable = "oidc.circleci.com/org/${var.circleci.organization_id}:sub"
        values   = ["*/vcs-ref/*/vcs-ref/*"]
      }
    }
  }
}
