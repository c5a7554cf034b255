# How large it is, and what production may not go without. As rejects.tftest.hcl.

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
