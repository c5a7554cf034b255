# Web tasks, behind the load balancer.

resource "aws_ecs_task_definition" "web" {
  family                   = "${local.name}-web"
  skip_destroy             = true # see ecs.tf
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.web.cpu
  memory                   = var.web.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task["web"].arn
  container_definitions    = jsonencode([local.portal_containers["web"]])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  dynamic "volume" {
    for_each = local.own_volumes["web"]
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

  lifecycle {
    precondition {
      condition     = length(local.settings_twice) == 0
      error_message = "settings may not give what is set already: ${join(", ", local.settings_twice)}."
    }

    precondition {
      condition     = tonumber(lookup(var.settings, "RESUMABLE_FOR", 0)) <= 7 * 24 * 3600
      error_message = "settings.RESUMABLE_FOR may be a week at most: the bucket gives up what is unfinished after eight days (s3.tf)."
    }
  }
}

resource "aws_ecs_service" "web" {
  name                               = "web"
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.web.arn
  desired_count                      = var.web.min
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  availability_zone_rebalancing      = "ENABLED"
  enable_execute_command             = var.enable_ecs_exec
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 100 # new tasks answer before old ones go
  deployment_maximum_percent         = 200
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true # the pipeline goes on, or stops, as the deployment does
  force_new_deployment               = true # or ECS takes no notice of triggers
  triggers                           = local.secret_versions

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = local.app_subnet_ids
    security_groups  = [aws_security_group.web.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = local.web_port
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling.tf decides it

    # ECS has put the old release back, and that one is steady: the new one did not stay.
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.web.arn
      error_message = local.release_did_not_stay
    }
  }

  depends_on = [
    terraform_data.migrate, # the database first, then who needs it as it will be
    terraform_data.assets,  # and what their pages load
    # ECS takes no target group that no load balancer uses: it is these rules that use it, not the listener itself.
    aws_lb_listener_rule.portal,
    aws_lb_listener_rule.staff_sso,
    aws_efs_mount_target.shared,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.mount,
    aws_iam_role_policy.storage,
    aws_route.app,
    aws_vpc_security_group_egress_rule.store,
    aws_vpc_security_group_ingress_rule.store,
  ]
}
