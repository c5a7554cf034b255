# Redis: which rows wait for a worker, and what was counted. It may lose everything (the rows are the truth,
# docs/adr/0002-rows-are-the-truth.md), so nothing backs it up; but it must never choose what to lose.

resource "random_password" "redis" {
  length  = 64
  special = false # ElastiCache refuses some signs, and the token stands in an address
}

resource "aws_elasticache_subnet_group" "portal" {
  name        = local.name
  description = "Subnets without a way to the internet"
  subnet_ids  = local.data_subnet_ids
}

resource "aws_elasticache_parameter_group" "portal" {
  name        = "${local.name}-redis${split(".", var.redis.engine_version)[0]}"
  description = "${local.name}: a full Redis refuses, and forgets nothing"
  family      = "redis${split(".", var.redis.engine_version)[0]}"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction" # a waiting job must not be thrown away for a newer one
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "redis" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/aws/elasticache/${local.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

resource "aws_elasticache_replication_group" "portal" {
  replication_group_id = local.name
  description          = "${local.name}: queue and counters"
  engine               = "redis"
  engine_version       = var.redis.engine_version
  node_type            = var.redis.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.portal.name

  num_cache_clusters         = var.redis.nodes
  automatic_failover_enabled = var.redis.nodes >= 2
  multi_az_enabled           = var.redis.nodes >= 2 # variables_data.tf lets dev alone do with one

  subnet_group_name  = aws_elasticache_subnet_group.portal.name
  security_group_ids = [aws_security_group.redis.id]

  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.data.arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = random_password.redis.result
  auth_token_update_strategy = "ROTATE" # the old token is good until every task has the new one

  snapshot_retention_limit   = 0
  maintenance_window         = "sun:06:00-sun:07:00"
  auto_minor_version_upgrade = true
  apply_immediately          = !local.production

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.redis
    content {
      destination      = log_delivery_configuration.value.name
      destination_type = "cloudwatch-logs"
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }
}
