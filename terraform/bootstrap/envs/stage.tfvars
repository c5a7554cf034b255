environment = "stage"
account_id  = "222222222222"
region      = "eu-west-1"
repository  = "example/diagport"

plan_pull_requests = true # whoever may push a branch may read this environment's secrets
