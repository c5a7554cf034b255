# Built as production is, with less of everything: what works here works there.
environment = "stage"
repository  = "example/diagport"
region      = "eu-west-1"
account_ids = {
  dev    = "111111111111"
  stage  = "222222222222"
  prod   = "333333333333"
  shared = "444444444444"
}

vpc_cidr           = "10.20.0.0/16"
availability_zones = ["eu-west-1a", "eu-west-1b"]

hosted_zone_name = "stage.example.com"
domain_name      = "upload.stage.example.com"
ecr_registry     = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
mail = {
  from         = "Diagport stage <diagport@stage.example.com>"
  ses_identity = "stage.example.com"
}

web      = { min = 2, max = 4 }
worker   = { min = 1, max = 3 }
database = { min_acu = 0.5, max_acu = 4 }

alarm_emails       = ["portal-alarms@example.com"]
monthly_budget_usd = 600
