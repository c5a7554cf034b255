# Small and cheap: one NAT gateway, one database, workers on Spot. Replace ids and names by yours.
# The database may pause (min_acu = 0), but the scheduler asks it every few seconds: only while services are scaled to 0.
environment = "dev"
repository  = "example/diagport"
region      = "eu-west-1"
account_ids = {
  dev    = "111111111111"
  stage  = "222222222222"
  prod   = "333333333333"
  shared = "444444444444"
}

vpc_cidr            = "10.10.0.0/16"
availability_zones  = ["eu-west-1a", "eu-west-1b"]
single_nat_gateway  = true
deletion_protection = false

hosted_zone_name = "dev.example.com"
domain_name      = "upload.dev.example.com"
ecr_registry     = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
mail = {
  from         = "Diagport dev <diagport@dev.example.com>"
  ses_identity = "dev.example.com"
}

web      = { min = 1, max = 2 }
worker   = { min = 1, max = 2, spot = 100 }
database = { min_acu = 0, max_acu = 2, instances = 1, backup_days = 7 }
redis    = { node_type = "cache.t4g.micro", nodes = 1 }

enable_ecs_exec    = true
monthly_budget_usd = 300
