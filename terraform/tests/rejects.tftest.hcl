# What must never get as far as a plan. Each run changes one thing of an environment that is otherwise right.
# tests/variables is the variables alone, so that thirty runs take seconds.

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

run "rejects_clamd_without_room_for_two_sets_of_signatures" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    worker = { clamd_memory = 2048 }
  }

  expect_failures = [var.worker]
}

run "rejects_workers_without_room_beside_clamd" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    worker = { memory = 4096 }
  }

  expect_failures = [var.worker]
}

run "rejects_production_on_spot" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment = "prod"
    worker      = { spot = 50 }
  }

  expect_failures = [var.worker]
}

run "rejects_production_behind_one_nat_gateway" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment        = "prod"
    single_nat_gateway = true
  }

  expect_failures = [var.single_nat_gateway]
}

run "rejects_production_with_one_web_task" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment = "prod"
    web         = { min = 1 }
  }

  expect_failures = [var.web]
}

run "rejects_production_on_one_database" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment = "prod"
    database    = { instances = 1 }
  }

  expect_failures = [var.database]
}

run "rejects_production_that_pauses" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment = "prod"
    database    = { min_acu = 0 }
  }

  expect_failures = [var.database]
}

run "rejects_production_without_protection" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment         = "prod"
    deletion_protection = false
  }

  expect_failures = [var.deletion_protection]
}

run "rejects_production_that_tells_nobody" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    environment  = "prod"
    alarm_emails = []
  }

  expect_failures = [var.alarm_emails]
}

run "rejects_one_redis_outside_dev" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    redis = { nodes = 1 }
  }

  expect_failures = [var.redis]
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

run "rejects_secrets_among_the_settings" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    settings = { SMTP_PASSWORD = "plain" }
  }

  expect_failures = [var.settings]
}

run "rejects_ses_without_an_identity" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    mail = { from = "diagport@example.com" }
  }

  expect_failures = [var.mail]
}

run "rejects_smtp_without_a_server" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    mail = { from = "diagport@example.com", via = "smtp" }
  }

  expect_failures = [var.mail]
}

run "rejects_a_year_cut_short" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    log_retention_days = 90
  }

  expect_failures = [var.log_retention_days]
}

run "rejects_backups_copied_to_where_they_are" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    backup_copy_region = "eu-west-1"
  }

  expect_failures = [var.backup_copy_region]
}

run "rejects_a_vpn_without_certificates" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    enable_client_vpn = true
  }

  expect_failures = [var.client_vpn_certificates]
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

run "rejects_a_storage_that_there_is_not" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    storage_backend = "ebs"
  }

  expect_failures = [var.storage_backend]
}

run "rejects_a_staff_sign_in_without_tls" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    alb_oidc = { issuer = "http://id.example.com", authorization_endpoint = "https://id.example.com/a", token_endpoint = "https://id.example.com/t", user_info_endpoint = "https://id.example.com/u", client_id = "x", client_secret = "y" }
  }

  expect_failures = [var.alb_oidc]
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
