# What the portal is told: plain settings, and where ECS finds those that are secret or that operators tune.
# Names are without DIAGPORT_. tests/terraform/test_app_environment.py compares them with what the portal reads.

locals {
  # The same for web, worker and scheduler. What stands here cannot be set otherwise by `settings`.
  application_environment = merge(var.settings, local.application_given)
  application_given = merge(
    {
      ENVIRONMENT = "production"
      DEPLOYMENT  = var.environment
      BASE_URL    = local.base_url
      PROXY_HOPS  = "1" # the load balancer, and nothing before it

      GRACEFUL_TIMEOUT = tostring(local.stop_seconds - 10) # what is under way ends before ECS ends the container

      DATABASE_HOST        = aws_rds_cluster.portal.endpoint
      DATABASE_PORT        = tostring(aws_rds_cluster.portal.port)
      DATABASE_NAME        = aws_rds_cluster.portal.database_name
      DATABASE_SSLROOTCERT = local.database_authorities

      # Both stores while bundles lie on the file system, so that `flask storage move --to s3` can empty it.
      STORAGE   = local.on_efs ? "filesystem" : "s3"
      S3_BUCKET = aws_s3_bucket.uploads.bucket
      S3_REGION = var.region

      MAIL          = var.mail.via
      MAIL_FROM     = var.mail.from
      AWS_ROLES_MAP = jsonencode(local.application_roles)
    },
    { for name, value in { STORAGE_ROOT = local.bundles_path } : name => value if local.on_efs },
    { for name, value in { SES_REGION = var.region } : name => value if var.mail.via == "ses" },
    {
      for name, value in {
        SMTP_HOST     = var.mail.smtp_host
        SMTP_PORT     = tostring(var.mail.smtp_port)
        SMTP_STARTTLS = "1"
      } : name => value if var.mail.via == "smtp"
    },
  )

  # What one of them is told besides.
  service_environment = {
    web = merge(
      {
        KEEPALIVE     = tostring(local.keepalive_seconds)
        WEB_PROCESSES = tostring(var.web.processes)
        WEB_THREADS   = tostring(var.web.threads)
      },
      { for name, value in { ASSETS_URL = local.assets_url } : name => value if var.enable_cloudfront_assets },
    )
    worker = {
      CLAMD_ADDRESS = "tcp:127.0.0.1:${local.clamd_port}" # beside it in the task: what is scanned leaves no host
    }
    scheduler = {
      EMF                 = "1" # one task prints the metrics
      UPLOAD_EVENTS_QUEUE = aws_sqs_queue.upload_events.url
    }
    # Migrations own the tables; they also make the login that the portal has, and set its password.
    migrate = {
      DATABASE_HOST        = aws_rds_cluster.portal.endpoint
      DATABASE_PORT        = tostring(aws_rds_cluster.portal.port)
      DATABASE_NAME        = aws_rds_cluster.portal.database_name
      DATABASE_SSLROOTCERT = local.database_authorities
    }
    freshclam = {
      DEPLOYMENT = var.environment
    }
  }

  # Name -> what ECS reads when it starts a container; `:key::` picks a key of a secret that is JSON.
  injected_secrets = merge(
    local.database_login,
    {
      REDIS_URL       = aws_secretsmanager_secret.application["redis-url"].arn
      SECRET_KEY      = aws_secretsmanager_secret.application["secret-key"].arn
      OLD_SECRET_KEYS = aws_secretsmanager_secret.operator["old-secret-keys"].arn
    },
    {
      for name, arn in {
        SMTP_USERNAME = aws_secretsmanager_secret.operator["smtp-username"].arn
        SMTP_PASSWORD = aws_secretsmanager_secret.operator["smtp-password"].arn
      } : name => arn if var.mail.via == "smtp"
    },
    { for name, parameter in aws_ssm_parameter.setting : name => parameter.arn },
  )

  migrate_secrets = merge(local.database_login, {
    MIGRATION_USER     = "${aws_rds_cluster.portal.master_user_secret[0].secret_arn}:username::"
    MIGRATION_PASSWORD = "${aws_rds_cluster.portal.master_user_secret[0].secret_arn}:password::"
  })

  database_login = {
    DATABASE_USER     = "${aws_secretsmanager_secret.application["database-portal"].arn}:username::"
    DATABASE_PASSWORD = "${aws_secretsmanager_secret.application["database-portal"].arn}:password::"
  }

  database_authorities = "/etc/ssl/rds-ca.pem" # Dockerfile puts them there
  bundles_path         = "/srv/bundles"

  # As task definitions have them, by what a container belongs to.
  environment = {
    for service, own in local.service_environment : service => [
      for name, value in merge(contains(["migrate", "freshclam"], service) ? {} : local.application_environment, own) :
      { name = "DIAGPORT_${name}", value = value }
    ]
  }
  secrets = {
    for service, given in {
      web       = local.injected_secrets
      worker    = local.injected_secrets
      scheduler = local.injected_secrets
      migrate   = local.migrate_secrets
    } : service => [for name, from in given : { name = "DIAGPORT_${name}", valueFrom = from }]
  }

  # ECS refuses a name that is both a variable and a secret; and what is known here, nobody should say otherwise.
  settings_twice = setintersection(keys(var.settings), setunion(
    keys(local.application_given),
    keys(local.injected_secrets),
    flatten([for own in values(local.service_environment) : keys(own)]),
  ))

  # ECS reads secrets when a task starts. A new value of one that is made here starts all tasks anew.
  secret_versions = { for name, version in aws_secretsmanager_secret_version.application : name => version.version_id }
}
