environment = "prod"
repository  = "example/diagport"
region      = "eu-west-1"
account_ids = {
  dev    = "111111111111"
  stage  = "222222222222"
  prod   = "333333333333"
  shared = "444444444444"
}

vpc_cidr            = "10.30.0.0/16"
availability_zones  = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms"]

hosted_zone_name = "example.com"
domain_name      = "upload.example.com"
ecr_registry     = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
mail = {
  from         = "Diagport <diagport@example.com>"
  ses_identity = "example.com"
}

web      = { min = 2, max = 8, cpu = 1024, memory = 4096, processes = 3 }
worker   = { min = 2, max = 8 }
database = { min_acu = 1, max_acu = 16 }
redis    = { node_type = "cache.t4g.small", nodes = 2 }

backup_copy_region = "eu-central-1"
backup_vault_lock  = true

alarm_emails       = ["portal-alarms@example.com"]
monthly_budget_usd = 1000
