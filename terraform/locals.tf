data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  name       = "${var.project}-${var.environment}"
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  production = var.environment == "prod"
  base_url   = "https://${var.domain_name}"

  tags = merge(var.extra_tags, {
    Project     = var.project
    Environment = var.environment
    Repository  = var.repository
    ManagedBy   = "terraform"
  })

  # AWS_ROLES_MAP: category -> service -> role. TERRAFORM is ours, the other categories are the application's.
  terraform_roles = lookup(var.aws_roles_map, "TERRAFORM", {})
  terraform_role = {
    default = lookup(local.terraform_roles, "DEFAULT", null)
    dns     = lookup(local.terraform_roles, "dns", lookup(local.terraform_roles, "DEFAULT", null))
  }
  # What a provisioner begins with, for a shell. The command line finds credentials as Terraform does, and takes on the
  # provider's role, $ROLE, as it does; `none`: there is none.
  as_the_provider = <<-EOT
    set -eu
    if [ "$ROLE" != none ]; then
      set -- $(aws sts assume-role --role-arn "$ROLE" --role-session-name "$SESSION" --output text \
        --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
      export AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$2" AWS_SESSION_TOKEN="$3"
    fi
  EOT

  application_roles     = { for category, roles in var.aws_roles_map : category => roles if category != "TERRAFORM" }
  application_role_arns = distinct(flatten([for roles in values(local.application_roles) : values(roles)]))

  on_efs = var.storage_backend == "efs"

  # Load balancer, gunicorn and their order: gunicorn must keep a silent connection longer than the load balancer
  # does, or the load balancer sends a request into one that is just being closed, and answers 502.
  idle_seconds      = local.on_efs ? 300 : 120
  keepalive_seconds = local.idle_seconds + 5
  # A target that leaves gets no new requests for this long; ECS kills what has not stopped after stop_seconds.
  drain_seconds = 120
  stop_seconds  = 120 # the most that Fargate allows

  web_port   = 8000
  clamd_port = 3310

  images = {
    portal = "${var.ecr_registry}/${var.project}/app:${var.image_tag}"
    clamav = "${var.ecr_registry}/${var.project}/clamav:${coalesce(var.clamav_image_tag, var.image_tag)}"
  }
}
