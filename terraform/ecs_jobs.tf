# Tasks that run once: migrations, within an apply, and fetching signatures, every four hours.

resource "aws_ecs_task_definition" "migrate" {
  family                   = "${local.name}-migrate"
  skip_destroy             = true # see ecs.tf
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task["migrate"].arn
  container_definitions    = jsonencode([local.portal_containers["migrate"]])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  dynamic "volume" {
    for_each = local.own_volumes["migrate"]
    content {
      name = volume.key
    }
  }
}

# After the new task definitions exist, before any service uses one. Fails the apply as the migration fails, and what
# runs goes on with the database as it was: migrations only add, so the release before works with either.
resource "terraform_data" "migrate" {
  count = var.run_migrations ? 1 : 0

  # A new image or another database: the definition has another revision. A new password of the portal's login: this is
  # what sets it in the database.
  triggers_replace = [aws_ecs_task_definition.migrate.arn, local.secret_versions["database-portal"]]

  provisioner "local-exec" {
    command = <<-EOT
      ${local.as_the_provider}
      exec "$SCRIPT" --cluster "$CLUSTER" --task-definition "$TASK_DEFINITION" --subnets "$SUBNETS" \
        --security-groups "$SECURITY_GROUPS" --container migrate --time-limit 900
    EOT

    environment = {
      SESSION         = "${local.name}-migrate"
      ROLE            = coalesce(local.terraform_role.default, "none")
      SCRIPT          = "${path.root}/../scripts/ecs-run-task.sh"
      CLUSTER         = aws_ecs_cluster.this.name
      TASK_DEFINITION = aws_ecs_task_definition.migrate.arn
      SUBNETS         = join(",", local.app_subnet_ids)
      SECURITY_GROUPS = aws_security_group.worker.id
      AWS_REGION      = var.region
    }
  }

  depends_on = [
    aws_iam_role_policy.execution,
    aws_rds_cluster_instance.portal,
    aws_route.app,
    aws_secretsmanager_secret_version.application,
    aws_secretsmanager_secret_version.operator,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.store,
    aws_vpc_security_group_ingress_rule.store,
  ]
}

resource "aws_ecs_task_definition" "freshclam" {
  family                   = "${local.name}-freshclam"
  skip_destroy             = true # see ecs.tf
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 4096 # it loads what it fetched, to test it, before anybody else does
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task["freshclam"].arn
  container_definitions    = jsonencode([local.clamav_containers["freshclam"]])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64" # ClamAV's image exists for nothing else
  }

  dynamic "volume" {
    for_each = toset(["freshclam-tmp", "freshclam-scratch"])
    content {
      name = volume.key
    }
  }

  volume {
    name = "signatures"

    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.shared.id
      transit_encryption = "ENABLED"

      authorization_config {
        access_point_id = aws_efs_access_point.clamav.id
        iam             = "ENABLED"
      }
    }
  }
}

locals {
  freshclam_schedule = "${local.name}-freshclam" # iam_services.tf names it too
}

resource "aws_scheduler_schedule_group" "this" {
  name = local.name
}

# One writer, at a time of its own: ClamAV's mirrors refuse whoever asks too often.
resource "aws_scheduler_schedule" "freshclam" {
  name                = local.freshclam_schedule
  description         = "Fetches the virus scanner's signatures."
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = "rate(4 hours)"
  kms_key_arn         = aws_kms_key.ops.arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 30
  }

  target {
    arn      = aws_ecs_cluster.this.arn
    role_arn = aws_iam_role.scheduler.arn

    ecs_parameters {
      task_definition_arn     = aws_ecs_task_definition.freshclam.arn
      launch_type             = "FARGATE"
      task_count              = 1
      enable_ecs_managed_tags = true
      propagate_tags          = "TASK_DEFINITION"

      network_configuration {
        subnets          = local.app_subnet_ids
        security_groups  = [aws_security_group.worker.id]
        assign_public_ip = false
      }
    }

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }
  }

  depends_on = [
    aws_efs_mount_target.shared,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.mount,
    aws_iam_role_policy.scheduler,
    aws_route.app,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.store,
    aws_vpc_security_group_ingress_rule.store,
  ]
}
