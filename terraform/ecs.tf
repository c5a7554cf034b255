# The cluster that tasks run on, and where their logs go. Tasks: ecs_web.tf, ecs_worker.tf, ecs_scheduler.tf,
# ecs_jobs.tf; what each of their containers is: ecs_containers.tf; what it is told: ecs_environment.tf.
# Old revisions of task definitions are kept (skip_destroy): until the services change over, and when ECS rolls a failed
# deployment back, new tasks are started from the one before, which a deregistered revision does not allow.

locals {
  release_did_not_stay = "ECS gave this release up and went back to the one before: see the events of the service (docs/deploy/releases.md)."
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enhanced" # figures for each task and container; autoscaling.tf counts running tasks by them
  }

  # Who opens a shell in a task (var.enable_ecs_exec) leaves what was typed and shown.
  configuration {
    execute_command_configuration {
      kms_key_id = aws_kms_key.ops.arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.ecs["exec"].name
      }
    }
  }

  depends_on = [aws_cloudwatch_log_group.insights]
}

# Container Insights writes here, and would make it without our key.
resource "aws_cloudwatch_log_group" "insights" {
  name              = "/aws/ecs/containerinsights/${local.name}/performance"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

resource "aws_cloudwatch_log_group" "ecs" {
  for_each = toset(["web", "worker", "clamav", "scheduler", "migrate", "freshclam", "exec"])

  name              = "/ecs/${local.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}
