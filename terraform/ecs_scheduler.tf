# The scheduler: one task that rings for what waits, sweeps, measures, and hears of uploads from S3.

resource "aws_ecs_task_definition" "scheduler" {
  family                   = "${local.name}-scheduler"
  skip_destroy             = true # see ecs.tf
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task["scheduler"].arn
  container_definitions    = jsonencode([local.portal_containers["scheduler"]])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  dynamic "volume" {
    for_each = local.own_volumes["scheduler"]
    content {
      name = volume.key
    }
  }

  dynamic "volume" {
    for_each = local.bundles_mount
    content {
      name = volume.value.sourceVolume

      efs_volume_configuration {
        file_system_id     = aws_efs_file_system.shared.id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = aws_efs_access_point.uploads.id
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "scheduler" {
  name                               = "scheduler"
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.scheduler.arn
  desired_count                      = 1
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  availability_zone_rebalancing      = "DISABLED" # it would need a second task for a moment
  enable_execute_command             = var.enable_ecs_exec
  deployment_minimum_healthy_percent = 0 # the old one ends before the new one begins: two would ring twice
  deployment_maximum_percent         = 100
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true
  force_new_deployment               = true # or ECS takes no notice of triggers
  triggers                           = local.secret_versions

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = local.app_subnet_ids
    security_groups  = [aws_security_group.worker.id]
    assign_public_ip = false
  }

  lifecycle {
    # ECS has put the old release back, and that one is steady: the new one did not stay.
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.scheduler.arn
      error_message = local.release_did_not_stay
    }
  }

  depends_on = [
    terraform_data.migrate,
    aws_efs_mount_target.shared,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.mount,
    aws_iam_role_policy.storage,
    aws_iam_role_policy.upload_events,
    aws_route.app,
    aws_vpc_security_group_egress_rule.store,
    aws_vpc_security_group_ingress_rule.store,
  ]
}
