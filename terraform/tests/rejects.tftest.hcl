# Where an environment is and who it is. What must never get as far as a plan: each run changes one thing of an environment
# that is otherwise right. tests/variables is the variables alone, so that thirty runs take seconds. More of them: rejects_*.

variables {
  environment        = "stage"
  repository         = "example/diagport"
  region             = "eu-west-1"
  account_ids        = { stage = "222222222222", prod = "333333333333" }
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-1a", "eu-west-1b"]
  hosted_zone_name   = "example.com"
  domain_name        = "upload.example.com"
  ecr_registry       = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
  image_tag          = "0123abc"
  mail               = { from = "Diagport <diagport@example.com>", ses_identity = "example.com" }
  alarm_emails       = ["portal-alarms@example.com"]
}

run "accepts_what_is_right" {
  command = plan

  module {
    source = "./tests/variables"
  }
}

run "rejects_the_tag_latest" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    image_tag = "latest"
  }

  expect_failures = [var.image_tag]
}

run "rejects_an_environment_that_is_none_of_ours" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment = "production"
    account_ids = { production = "222222222222" }
  }

  expect_failures = [var.environment]
}

run "rejects_an_account_id_without_its_zeros" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    account_ids = { stage = "2222" }
  }

  expect_failures = [var.account_ids]
}

run "rejects_an_environment_without_an_account" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    account_ids = { prod = "333333333333" }
  }

  expect_failures = [var.account_ids]
}

run "rejects_a_network_too_small_for_its_subnets" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    vpc_cidr = "10.20.0.0/22"
  }

  expect_failures = [var.vpc_cidr]
}

run "rejects_one_zone" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    availability_zones = ["eu-west-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "rejects_zones_of_another_region" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    availability_zones = ["eu-west-1a", "us-east-1b"]
  }

  expect_failures = [var.availability_zones]
}

run "rejects_a_name_outside_the_zone" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    domain_name = "upload.example.org"
  }

  expect_failures = [var.domain_name]
}

run "rejects_a_role_map_without_roles" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    aws_roles_map = { MESSAGES = { sns = "publisher" } }
  }

  expect_failures = [var.aws_roles_map]
}

run "rejects_one_role_for_all_to_the_bucket" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    aws_roles_map = { STORAGE = { s3 = "arn:aws:iam::222222222222:role/storage" } }
  }

  expect_failures = [var.aws_roles_map]
}
