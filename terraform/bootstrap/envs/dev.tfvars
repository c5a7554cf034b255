environment = "dev"
account_id  = "111111111111"
region      = "eu-west-1"
repository  = "example/diagport"
