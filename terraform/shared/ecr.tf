# Two repositories. A tag is a commit, and never moves: what was tried in stage is what runs in production.

data "aws_iam_policy_document" "images_key" {
  #checkov:skip=CKV_AWS_109:The policy of a key is about that key, and leaves it to IAM who may use it
  #checkov:skip=CKV_AWS_111:The policy of a key is about that key, and leaves it to IAM who may use it
  #checkov:skip=CKV_AWS_356:The policy of a key knows no other resource than the key
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }
}

# ECR decrypts by itself, through a grant: accounts that pull need no right to the key.
resource "aws_kms_key" "images" {
  description             = "${local.name}: images"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.images_key.json
}

resource "aws_kms_alias" "images" {
  name          = "alias/${local.name}-images"
  target_key_id = aws_kms_key.images.key_id
}

resource "aws_ecr_repository" "this" {
  for_each = toset(["app", "clamav"])

  name                 = "${var.project}/${each.key}"
  image_tag_mutability = "IMMUTABLE"

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.images.arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# A push leaves three things: what the tag names (an index), the image, and its SBOM and provenance. The latter two have
# no tag; ECR keeps them for as long as an index needs them, and counts them like images, so only what has a tag is counted.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "What no tag names is gone after a week"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The newest ${var.kept_images} releases stay"
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  })
}

# The other accounts may pull; which of their roles, they say themselves.
data "aws_iam_policy_document" "pull" {
  statement {
    sid     = "EnvironmentsPull"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    principals {
      type        = "AWS"
      identifiers = local.readers
    }
  }
}

resource "aws_ecr_repository_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = data.aws_iam_policy_document.pull.json
}

# Looked through when pushed, and again whenever a new weakness becomes known.
resource "aws_ecr_registry_scanning_configuration" "this" {
  scan_type = "ENHANCED"

  rule {
    scan_frequency = "CONTINUOUS_SCAN"
    repository_filter {
      filter      = "${var.project}/*"
      filter_type = "WILDCARD"
    }
  }
}
