# What it uses, and what it is told. As rejects.tftest.hcl.

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
