output "registry" {
  description = "What belongs into ecr_registry of each environment."
  value       = split("/", aws_ecr_repository.this["app"].repository_url)[0]
}

output "repository_urls" {
  description = "Where images are pushed to."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "image_push_role_arn" {
  description = "Role of the pipeline that pushes images."
  value       = aws_iam_role.image_push.arn
}
