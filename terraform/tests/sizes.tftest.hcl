# Sizes that Fargate has, and those next to them that it has not. tests/variables is the variables alone.

variables {
  environment        = "stage"
  repository         = "example/diagport"
  region             = "eu-west-1"
  account_ids        = { stage = "222222222222" }
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-1a", "eu-west-1b"]
  hosted_zone_name   = "example.com"
  domain_name        = "upload.example.com"
  ecr_registry       = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
  image_tag          = "0123abc"
  mail               = { from = "Diagport <diagport@example.com>", ses_identity = "example.com" }
}

run "takes_the_largest" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    web    = { cpu = 4096, memory = 30720 }
    worker = { cpu = 4096, memory = 30720 }
  }
}

run "takes_the_smallest" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    web    = { cpu = 256, memory = 512, processes = 1 }
    worker = { cpu = 1024, memory = 5120, clamd_memory = 3072 }
  }
}

run "rejects_web_tasks_larger_than_the_largest" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    web = { cpu = 4096, memory = 31744 }
  }

  expect_failures = [var.web]
}

run "rejects_workers_larger_than_the_largest" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    worker = { cpu = 4096, memory = 31744 }
  }

  expect_failures = [var.worker]
}

run "rejects_web_tasks_with_less_than_two_for_one" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    web = { cpu = 2048, memory = 3072 }
  }

  expect_failures = [var.web]
}

run "rejects_workers_with_more_than_eight_for_one" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    worker = { cpu = 512, memory = 6144 }
  }

  expect_failures = [var.worker]
}

run "rejects_half_gigabytes" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    web = { cpu = 512, memory = 1536 }
  }

  expect_failures = [var.web]
}

run "rejects_a_processor_that_there_is_not" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    worker = { cpu = 3072, memory = 6144 }
  }

  expect_failures = [var.worker]
}
