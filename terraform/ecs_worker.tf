# Workers: clamd, the two that scan, the one that tests the scanner and tends the gate, the one that sends messages.

locals {
  # clamd's image, as the user and group that own the signatures on the shared file system.
  clamav_processes = {
    clamav-init = {
      # Signatures are there and younger than two days, or are fetched now; tasks that start together take turns.
      command = ["signatures", "ensure"]
      logs    = "clamav"
      own     = { essential = false } # it ends
    }
    clamd = {
      command = ["start"]
      logs    = "clamav"
      own = {
        # Its limit, so that loading new signatures beside the old ones cannot take what the workers need.
        memory    = var.worker.clamd_memory
        dependsOn = [{ containerName = "clamav-init", condition = "SUCCESS" }]
        healthCheck = {
          command     = ["CMD", "clamd-health"]
          interval    = 15
          timeout     = 10
          retries     = 3
          startPeriod = 180 # it answers when it has loaded its signatures
        }
      }
    }
    freshclam = {
      command = ["signatures", "update"]
      logs    = "freshclam"
      own     = { environment = local.environment["freshclam"] }
    }
  }

  clamav_containers = {
    for name, process in local.clamav_processes : name => merge(local.hardened, {
      name             = name
      image            = local.images.clamav
      user             = "100:101"
      command          = process.command
      environment      = []
      logConfiguration = local.logs[process.logs]
      mountPoints = [
        { sourceVolume = "${name}-tmp", containerPath = "/tmp", readOnly = false },
        { sourceVolume = "${name}-scratch", containerPath = "/scratch", readOnly = false }, # clamd writes each stream there
        { sourceVolume = "signatures", containerPath = "/var/lib/clamav", readOnly = name == "clamd" },
      ]
    }, process.own)
  }

  worker_containers = concat([local.clamav_containers["clamav-init"], local.clamav_containers["clamd"]], [
    for name, process in local.portal_processes : local.portal_containers[name] if process.service == "worker"
  ])
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "${local.name}-worker"
  skip_destroy             = true # see ecs.tf
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc" # containers of a task share its loopback, which is all that clamd listens at
  cpu                      = var.worker.cpu
  memory                   = var.worker.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task["worker"].arn
  container_definitions    = jsonencode(local.worker_containers)

  ephemeral_storage {
    size_in_gib = var.worker.scratch
  }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64" # ClamAV's image exists for nothing else
  }

  dynamic "volume" {
    for_each = setunion(local.own_volumes["worker"], ["clamav-init-tmp", "clamav-init-scratch", "clamd-tmp", "clamd-scratch"])
    content {
      name = volume.key
    }
  }

  dynamic "volume" {
    for_each = merge(
      { signatures = aws_efs_access_point.clamav.id },
      { for mount in local.bundles_mount : mount.sourceVolume => aws_efs_access_point.uploads.id },
    )
    content {
      name = volume.key

      efs_volume_configuration {
        file_system_id     = aws_efs_file_system.shared.id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "worker" {
  name                               = "worker"
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.worker.arn
  desired_count                      = var.worker.min
  availability_zone_rebalancing      = "ENABLED"
  enable_execute_command             = var.enable_ecs_exec
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true
  force_new_deployment               = true # or ECS takes no notice of triggers, nor of another split over capacity providers
  triggers                           = local.secret_versions

  # A share of tasks on spare capacity, which AWS may take back within two minutes: a scan then begins anew elsewhere.
  dynamic "capacity_provider_strategy" {
    for_each = { for name, weight in { FARGATE = 100 - var.worker.spot, FARGATE_SPOT = var.worker.spot } : name => weight if weight > 0 }
    content {
      capacity_provider = capacity_provider_strategy.key
      weight            = capacity_provider_strategy.value
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = local.app_subnet_ids
    security_groups  = [aws_security_group.worker.id]
    assign_public_ip = false
  }

  # ECS leaves a task that scans alone until it is done: an hour at most (DIAGPORT_BUNDLE_SECONDS), some minutes until new
  # tasks have loaded signatures, two to stop. The pipeline's credentials last for 120 minutes (bootstrap/roles_apply.tf),
  # and all waits of a release must fit: 10 + 10 for the state's lock, 15 for migrations, 75 here; web and scheduler are
  # waited for meanwhile. That is 110 of the 115 that the pipeline's job may take, so the plan has five.
  timeouts {
    create = "30m"
    update = "75m"
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling.tf decides it

    # ECS has put the old release back, and that one is steady: the new one did not stay.
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.worker.arn
      error_message = local.release_did_not_stay
    }
  }

  depends_on = [
    terraform_data.migrate,
    aws_ecs_cluster_capacity_providers.this,
    aws_efs_mount_target.shared,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.messages,
    aws_iam_role_policy.mount,
    aws_iam_role_policy.protection,
    aws_iam_role_policy.storage,
    aws_route.app,
    aws_vpc_security_group_egress_rule.store,
    aws_vpc_security_group_ingress_rule.store,
  ]
}
