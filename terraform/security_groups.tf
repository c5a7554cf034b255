# Who may speak to whom, port by port. Whatever is not written here is refused: no group has a rule for SSH or RDP,
# and engineers get into tasks by ECS Exec. Groups name each other, never networks within the VPC.
# A new group comes before the old one goes, so nothing is ever without; hence prefixes instead of names.

locals {
  # Ports of the stores, and which tasks need them. The web looks at no file of EFS unless bundles lie there.
  stores = {
    "web-postgres"    = { from = aws_security_group.web.id, to = aws_security_group.postgres.id, port = 5432 }
    "web-redis"       = { from = aws_security_group.web.id, to = aws_security_group.redis.id, port = 6379 }
    "worker-postgres" = { from = aws_security_group.worker.id, to = aws_security_group.postgres.id, port = 5432 }
    "worker-redis"    = { from = aws_security_group.worker.id, to = aws_security_group.redis.id, port = 6379 }
    "worker-efs"      = { from = aws_security_group.worker.id, to = aws_security_group.efs.id, port = 2049 }
  }
  stores_on_efs = local.on_efs ? {
    "web-efs" = { from = aws_security_group.web.id, to = aws_security_group.efs.id, port = 2049 }
  } : {}
  flows = merge(local.stores, local.stores_on_efs)

  tasks = { web = aws_security_group.web.id, worker = aws_security_group.worker.id }
}

resource "aws_security_group" "alb" {
  name_prefix = "${local.name}-alb-"
  description = "Load balancer: the only one that the internet reaches"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-alb" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "web" {
  name_prefix = "${local.name}-web-"
  description = "Web tasks"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-web" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "worker" {
  name_prefix = "${local.name}-worker-"
  description = "Tasks without visitors: worker, scheduler, migrate, freshclam"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-worker" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "postgres" {
  name_prefix = "${local.name}-postgres-"
  description = "Aurora"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-postgres" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "redis" {
  name_prefix = "${local.name}-redis-"
  description = "ElastiCache"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-redis" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "efs" {
  name_prefix = "${local.name}-efs-"
  description = "Shared file system"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-efs" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "endpoints" {
  #checkov:skip=CKV2_AWS_5:where no interface endpoint is chosen nothing has it, and it costs nothing
  name_prefix = "${local.name}-endpoints-"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-endpoints" }

  lifecycle {
    create_before_destroy = true
  }
}
