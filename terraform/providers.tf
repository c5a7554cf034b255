# Who works where: see `aws_roles_map`. Without a role the credentials that Terraform finds are used as they are.

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_ids[var.environment]] # a plan against the wrong account stops here

  dynamic "assume_role" {
    for_each = local.terraform_role.default[*]
    content {
      role_arn     = assume_role.value
      session_name = "${local.name}-terraform"
    }
  }

  default_tags {
    tags = local.tags
  }
}

# The hosted zone may lie in the shared account.
provider "aws" {
  alias  = "dns"
  region = var.region

  dynamic "assume_role" {
    for_each = local.terraform_role.dns[*]
    content {
      role_arn     = assume_role.value
      session_name = "${local.name}-terraform-dns"
    }
  }

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes certificates, and Route 53 alarms on health checks, from there alone.
provider "aws" {
  alias               = "us_east_1"
  region              = "us-east-1"
  allowed_account_ids = [var.account_ids[var.environment]]

  dynamic "assume_role" {
    for_each = local.terraform_role.default[*]
    content {
      role_arn     = assume_role.value
      session_name = "${local.name}-terraform"
    }
  }

  default_tags {
    tags = local.tags
  }
}

# Copies of backups go there; where no such region is set, nothing is made with it.
provider "aws" {
  alias               = "backup_copy"
  region              = coalesce(var.backup_copy_region, var.region)
  allowed_account_ids = [var.account_ids[var.environment]]

  dynamic "assume_role" {
    for_each = local.terraform_role.default[*]
    content {
      role_arn     = assume_role.value
      session_name = "${local.name}-terraform"
    }
  }

  default_tags {
    tags = local.tags
  }
}
