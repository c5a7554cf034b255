output "plan_role_arn" {
  description = "Role of the pipeline's plans."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arn" {
  description = "Role of the pipeline's applies."
  value       = aws_iam_role.apply.arn
}

output "boundary_arn" {
  description = "Permission boundary of every role that the pipeline makes."
  value       = aws_iam_policy.boundary.arn
}

output "github_provider_arn" {
  description = "Provider that GitHub's tokens are checked with."
  value       = aws_iam_openid_connect_provider.github.arn
}

output "backend" {
  description = "What belongs into the .s3.tfbackend of this account's roots; each root has a key of its own."
  value       = <<-EOT
    bucket     = "${aws_s3_bucket.state.bucket}"
    kms_key_id = "${aws_kms_alias.state.name}"
    region     = "${var.region}"
  EOT
}
