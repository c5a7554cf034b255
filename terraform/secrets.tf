# What the application needs to know and nobody else does (Secrets Manager), and what operators tune (Parameter Store).
# All of it under <project>/<environment>/, which is what roles are allowed by.

resource "random_password" "secret_key" {
  length  = 64
  special = false
}

resource "random_password" "database_portal" {
  length  = 48
  special = false
}

locals {
  application_secrets = {
    redis-url       = "rediss://:${urlencode(random_password.redis.result)}@${aws_elasticache_replication_group.portal.primary_endpoint_address}:6379/0"
    secret-key      = random_password.secret_key.result
    database-portal = jsonencode({ username = "diagport_web", password = random_password.database_portal.result })
  }

  # Operators put the real ones in (aws secretsmanager put-secret-value); a task cannot start while one has no value.
  operator_secrets = {
    smtp-username   = "unset"
    smtp-password   = "unset"
    old-secret-keys = "[]"
  }

  # Those settings that operators tune without a plan: aws ssm put-parameter --overwrite, then a new deployment. Each
  # begins as the portal's own default (a test compares them). DIAGPORT_RESUMABLE_FOR is not among them on purpose: the
  # life cycle of the bucket depends on it.
  parameters = {
    MAX_UPLOAD_BYTES    = "20000000000"
    BIG_UPLOAD_BYTES    = "1000000000"
    MAX_OPEN_UPLOADS    = "100"
    RESCAN_DAYS         = "30"
    SIGNATURES_MAX_AGE  = "604800"
    QUEUE_STUCK_AFTER   = "600"
    SESSION_IDLE        = "1800"
    SESSION_LIFETIME    = "43200"
    INVITATION_LIFETIME = "604800"
    STAFF_SIGN_IN       = "any"
    MAX_TRIES           = "10"
    TRIES_WINDOW        = "900"
    MAX_NETWORK_TRIES   = "200"
    LOG_LEVEL           = "INFO"
  }
}

resource "aws_secretsmanager_secret" "application" {
  #checkov:skip=CKV2_AWS_57:Terraform makes these values and is what renews them (-replace): Redis takes two tokens for a while, the key moves to old-secret-keys, the migrate task sets the password
  for_each = toset(["redis-url", "secret-key", "database-portal"])

  name                    = "${var.project}/${var.environment}/${each.key}"
  description             = "${local.name}: made by Terraform"
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0 # 0: the name is free at once for an environment made anew
}

resource "aws_secretsmanager_secret_version" "application" {
  for_each = aws_secretsmanager_secret.application

  secret_id     = each.value.id
  secret_string = local.application_secrets[each.key]
}

resource "aws_secretsmanager_secret" "operator" {
  #checkov:skip=CKV2_AWS_57:What a mail server or an operator gave can be renewed only there
  for_each = local.operator_secrets

  name                    = "${var.project}/${var.environment}/${each.key}"
  description             = "${local.name}: operators put the value in"
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "operator" {
  for_each = aws_secretsmanager_secret.operator

  secret_id     = each.value.id
  secret_string = local.operator_secrets[each.key]
  # The label of its own keeps this first version when operators have put in others. Without one Secrets Manager may
  # drop it, and the next plan would put "unset" in the place of what works.
  version_stages = ["AWSCURRENT", "INITIAL"]

  lifecycle {
    ignore_changes = [secret_string, version_stages]
  }
}

resource "aws_ssm_parameter" "setting" {
  for_each = local.parameters

  name        = "/${var.project}/${var.environment}/DIAGPORT_${each.key}"
  description = "Setting of the portal (docs/operations/running.md); takes effect with the next deployment"
  type        = "SecureString"
  key_id      = aws_kms_key.data.arn
  value       = each.value

  lifecycle {
    ignore_changes = [value]

    precondition {
      condition     = !contains(keys(var.settings), each.key)
      error_message = "${each.key} is a parameter (secrets.tf): change it in Parameter Store, not in settings."
    }
  }
}
