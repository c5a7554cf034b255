# Who comes in, and how far out the portal reaches.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "dns"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "backup_copy"
  source = "./tests/mocks"
}

mock_provider "random" {}

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
  run_migrations     = false
}

run "for_some_networks_it_has_no_second_door" {
  command = plan

  variables {
    environment           = "prod"
    allowed_ingress_cidrs = ["203.0.113.0/24", "198.51.100.0/24"]
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.alb_https)) == toset(["203.0.113.0/24", "198.51.100.0/24"]) && length(aws_vpc_security_group_ingress_rule.alb_ipv6) == 0
    error_message = "Nobody but them, and nobody by IPv6."
  }

  assert {
    condition     = aws_lb.portal.ip_address_type == "ipv4" && keys(aws_route53_record.portal) == ["A"] && !aws_vpc.this.assign_generated_ipv6_cidr_block
    error_message = "No IPv6 address that leads past the rule."
  }

  assert {
    condition     = length(aws_route53_health_check.portal) == 0
    error_message = "Route 53 is none of them."
  }
}

run "production_is_asked_from_outside" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = aws_route53_health_check.portal[0].resource_path == "/healthz" && aws_route53_health_check.portal[0].type == "HTTPS"
    error_message = "As customers ask."
  }

  assert {
    condition     = aws_lb.portal.ip_address_type == "dualstack" && keys(aws_route53_record.portal) == ["A", "AAAA"]
    error_message = "By both kinds of address."
  }

  assert {
    condition     = aws_lb.portal.enable_deletion_protection && aws_kms_key.data.enable_key_rotation && aws_kms_key.ops.enable_key_rotation
    error_message = "The door stays, and keys turn over."
  }
}

run "a_portal_that_has_the_zones_name_binds_nobody_else" {
  command = plan

  variables {
    domain_name = "example.com"
  }

  assert {
    condition     = length(aws_route53_record.caa) == 0 && aws_route53_record.portal["A"].name == "example.com"
    error_message = "Who may issue certificates for the owner's whole domain is the owner's to say."
  }
}

run "tasks_reach_what_they_need_by_its_port" {
  command = plan

  assert {
    condition     = aws_route53_record.caa[0].name == "upload.example.com"
    error_message = "Amazon alone issues certificates for a name of the portal's own."
  }

  assert {
    condition     = { for name, rule in aws_vpc_security_group_egress_rule.store : name => rule.to_port } == { web-postgres = 5432, web-redis = 6379, worker-postgres = 5432, worker-redis = 6379, worker-efs = 2049 }
    error_message = "Stores, and the web no file system."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.worker_smtp) == 0 && length(aws_vpc_security_group_egress_rule.alb_provider) == 0
    error_message = "With SES there is no mail server to reach, and without alb_oidc no provider."
  }
}

run "and_more_where_there_is_more" {
  command = plan

  variables {
    storage_backend     = "efs"
    mail                = { via = "smtp", from = "Diagport <diagport@example.com>", smtp_host = "mail.example.com" }
    interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages", "kms", "sqs", "sns", "sts", "monitoring", "email"]
    aws_roles_map       = { MESSAGES = { DEFAULT = "arn:aws:iam::555555555555:role/messages" } }
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.store["web-efs"].to_port == 2049
    error_message = "The web writes bundles there."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.worker_smtp[0].to_port == 587
    error_message = "Workers send mail."
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 12 && alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "Each under its usual name."
  }

  assert {
    condition     = join(" ", local.own_account_ids) == "222222222222 555555555555"
    error_message = "Endpoints let in principals of the accounts whose roles the portal may take on."
  }
}
