environment = "shared"
account_id  = "444444444444"
region      = "eu-west-1"
repository  = "example/diagport"
