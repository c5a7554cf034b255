# Bucket, key and region come from envs/<env>.s3.tfbackend: one state for each environment, in its own account.
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
