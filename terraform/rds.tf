# Aurora PostgreSQL, Serverless v2. The master user owns the tables and migrates; the portal signs in as another
# (secrets.tf, docs/operations/database.md).

resource "aws_db_subnet_group" "portal" {
  name        = local.name
  description = "Subnets without a way to the internet"
  subnet_ids  = local.data_subnet_ids
}

resource "aws_rds_cluster_parameter_group" "portal" {
  name        = "${local.name}-postgresql${split(".", var.database.engine_version)[0]}"
  description = "${local.name}: TLS only, slow queries told, transactions bounded"
  family      = "aurora-postgresql${split(".", var.database.engine_version)[0]}"

  dynamic "parameter" {
    for_each = {
      "rds.force_ssl"       = "1"
      "password_encryption" = "scram-sha-256"
      # Of statements, the log gets slow ones and changes of the schema. Passwords are not among them: the migrate task
      # sends what PostgreSQL keeps instead of one.
      "log_statement"              = "ddl"
      "log_min_duration_statement" = "1000" # milliseconds
      "log_connections"            = "1"
      "log_disconnections"         = "1"
      "log_lock_waits"             = "1"
      # The portal asks for less (30 s) of its own transactions. This is for people with a console.
      "idle_in_transaction_session_timeout" = "300000" # milliseconds
    }
    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true # an upgrade to another major version needs both
  }
}

# RDS would create it without a key, and keep it for ever.
resource "aws_cloudwatch_log_group" "postgresql" {
  name              = "/aws/rds/cluster/${local.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

# A name that is taken would stop the destruction of an environment that was made, and destroyed, before.
resource "random_id" "final_snapshot" {
  byte_length = 4
}

resource "aws_rds_cluster" "portal" {
  cluster_identifier = local.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned" # which is what Serverless v2 is called here
  engine_version     = var.database.engine_version
  database_name      = "diagport"
  port               = 5432

  master_username                     = "diagport_owner"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.data.arn
  iam_database_authentication_enabled = true # for people: nobody needs the owner's password to look

  db_subnet_group_name            = aws_db_subnet_group.portal.name
  vpc_security_group_ids          = [aws_security_group.postgres.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.portal.name

  storage_encrypted = true
  kms_key_id        = aws_kms_key.data.arn

  serverlessv2_scaling_configuration {
    min_capacity = var.database.min_acu
    max_capacity = var.database.max_acu
    # With 0 it pauses, once nobody has been connected for this long: at night, with the services at 0 tasks.
    seconds_until_auto_pause = var.database.min_acu == 0 ? 900 : null
  }

  backup_retention_period      = var.database.backup_days # any second of these days can be gone back to
  delete_automated_backups     = !var.deletion_protection
  preferred_backup_window      = "01:00-01:30"
  preferred_maintenance_window = "sun:05:00-sun:06:00" # an hour and more away from backup.tf, which may not run just before
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection # variables.tf refuses production without it; dev may be taken down
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${local.name}-final-${random_id.final_snapshot.hex}"

  enabled_cloudwatch_logs_exports = ["postgresql"]
  apply_immediately               = !local.production

  depends_on = [aws_cloudwatch_log_group.postgresql]
}

resource "aws_rds_cluster_instance" "portal" {
  #checkov:skip=CKV_AWS_226:The version stands in tfvars and is tried in stage first; an upgrade that comes by itself would be undone, or refused, by the next plan
  count = var.database.instances

  identifier         = "${local.name}-${count.index + 1}"
  cluster_identifier = aws_rds_cluster.portal.id
  engine             = aws_rds_cluster.portal.engine
  engine_version     = aws_rds_cluster.portal.engine_version
  instance_class     = "db.serverless"
  promotion_tier     = min(count.index, 1) # 0 and 1 are kept as large as the writer, so that they can take over

  db_subnet_group_name       = aws_db_subnet_group.portal.name
  publicly_accessible        = false
  ca_cert_identifier         = "rds-ca-rsa2048-g1"
  auto_minor_version_upgrade = false
  copy_tags_to_snapshot      = true
  apply_immediately          = !local.production

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.data.arn
  performance_insights_retention_period = 7 # days; more costs
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.rds_monitoring.arn
}

# The owner's password. RDS changes it by itself; the migrate task reads it anew at each run.
resource "aws_secretsmanager_secret_rotation" "database_owner" {
  secret_id          = aws_rds_cluster.portal.master_user_secret[0].secret_arn
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = 90
  }
}
