region     = "eu-west-1"
repository = "example/diagport"
account_ids = {
  dev    = "111111111111"
  stage  = "222222222222"
  prod   = "333333333333"
  shared = "444444444444"
}
