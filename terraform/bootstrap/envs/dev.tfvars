environment = "dev"
account_id  = "111111111111"
region      = "eu-west-1"
repository  = "example/diagport"

plan_pull_requests = true # whoever may push a branch may read this environment's secrets
