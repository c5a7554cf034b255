output "portal_url" {
  description = "Address of the portal."
  value       = local.base_url
}

output "alb_dns_name" {
  description = "The load balancer's own name, for looking at it before DNS does."
  value       = aws_lb.portal.dns_name
}

output "cluster_name" {
  description = "ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_names" {
  description = "ECS services by what they do."
  value       = { web = aws_ecs_service.web.name, worker = aws_ecs_service.worker.name, scheduler = aws_ecs_service.scheduler.name }
}

output "migrate_task_definition" {
  description = "Task that migrates the database (scripts/ecs-run-task.sh)."
  value       = aws_ecs_task_definition.migrate.arn
}

output "private_subnet_ids" {
  description = "Subnets that tasks run in."
  value       = local.app_subnet_ids
}

output "worker_security_group_id" {
  description = "Security group of one-off tasks."
  value       = aws_security_group.worker.id
}

output "uploads_bucket" {
  description = "Bucket that bundles lie in."
  value       = aws_s3_bucket.uploads.bucket
}

output "database_endpoint" {
  description = "Writer of the database."
  value       = aws_rds_cluster.portal.endpoint
}

output "database_secret_arn" {
  description = "Secret with the database owner's name and password; migrations alone use it."
  value       = aws_rds_cluster.portal.master_user_secret[0].secret_arn
}

output "redis_endpoint" {
  description = "Redis' primary node."
  value       = aws_elasticache_replication_group.portal.primary_endpoint_address
}

output "efs_id" {
  description = "Shared file system: ClamAV's signatures, and bundles with storage_backend = \"efs\"."
  value       = aws_efs_file_system.shared.id
}

output "sns_topic_arns" {
  description = "Topics for alarms and for uploads."
  value       = { alarms = aws_sns_topic.alarms.arn, uploads = aws_sns_topic.uploads.arn }
}

output "dashboard_url" {
  description = "The dashboard in the console."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${aws_cloudwatch_dashboard.portal.dashboard_name}"
}

output "release" {
  description = "What was applied last; the weekly look for drift compares with it, and not with a newer image."
  value       = { image_tag = var.image_tag, run_migrations = var.run_migrations }
}
