# The shared account: images, which every environment pulls. Run after bootstrap/ in that account.

terraform {
  required_version = ">= 1.11" # state locking by S3 itself (use_lockfile)

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # Bucket, key, region and key of encryption come from shared.s3.tfbackend.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_ids["shared"]]

  default_tags {
    tags = merge(var.extra_tags, {
      Project     = var.project
      Environment = "shared"
      Repository  = var.repository
      ManagedBy   = "terraform"
    })
  }
}

data "aws_partition" "this" {}

locals {
  name       = "${var.project}-shared"
  partition  = data.aws_partition.this.partition
  account_id = var.account_ids["shared"]
  # The accounts that run the portal.
  readers = [for environment, id in var.account_ids : "arn:${local.partition}:iam::${id}:root" if environment != "shared"]
}
