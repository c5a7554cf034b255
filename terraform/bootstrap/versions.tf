# Run once in each account, before anything else there, by an administrator: the state's bucket, the pipeline's roles,
# and the limit of what the pipeline may create. Order and commands: docs/deploy/.

terraform {
  required_version = ">= 1.11" # state locking by S3 itself (use_lockfile)

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # The bucket is made by the first run, so that one keeps its state in a file, and moves it afterwards: docs/deploy/.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = merge(var.extra_tags, {
      Project     = var.project
      Environment = var.environment
      Repository  = var.repository
      ManagedBy   = "terraform"
    })
  }
}

data "aws_partition" "this" {}

locals {
  name      = "${var.project}-${var.environment}"
  partition = data.aws_partition.this.partition
  root      = "arn:${local.partition}:iam::${var.account_id}:root"
}
