environment = "stage"
account_id  = "222222222222"
region      = "eu-west-1"
repository  = "example/diagport"
