# What each kind of environment gets, and what it does not.

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

run "as_it_is" {
  command = plan

  assert {
    condition     = length(aws_subnet.public) == 2 && length(aws_subnet.app) == 2 && length(aws_subnet.data) == 2
    error_message = "Each zone has a public, an app and a data subnet."
  }

  assert {
    condition     = aws_subnet.public["eu-west-1a"].cidr_block == "10.20.0.0/20" && aws_subnet.app["eu-west-1a"].cidr_block == "10.20.64.0/20" && aws_subnet.data["eu-west-1b"].cidr_block == "10.20.144.0/20"
    error_message = "Subnets are sixteenths: public from 0, app from 4, data from 8, so that a third zone has room."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 2
    error_message = "A NAT gateway in each zone."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Nothing gets a public address by accident."
  }

  assert {
    condition     = startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13-")
    error_message = "TLS 1.3."
  }

  assert {
    condition     = aws_lb_listener.https.default_action[0].fixed_response[0].status_code == "404"
    error_message = "Whoever asks for another host finds nothing."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].redirect[0].status_code == "HTTP_301"
    error_message = "Port 80 only redirects."
  }

  assert {
    condition     = aws_lb.portal.idle_timeout == 120 && local.keepalive_seconds == 125
    error_message = "gunicorn outlasts the load balancer."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.ecs : group.retention_in_days == 365])
    error_message = "A year."
  }

  assert {
    condition     = length(aws_lb_listener_rule.staff_sso) == 0
    error_message = "Without alb_oidc the load balancer asks nobody."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.assets) == 0 && length(aws_s3_bucket.assets) == 0
    error_message = "No distribution, and no bucket for it."
  }

  assert {
    condition     = length(aws_ec2_client_vpn_endpoint.this) == 0
    error_message = "No VPN."
  }

  assert {
    condition     = aws_ecs_service.scheduler.desired_count == 1 && aws_ecs_service.scheduler.deployment_maximum_percent == 100 && aws_ecs_service.scheduler.deployment_minimum_healthy_percent == 0
    error_message = "Two releases of it never run at a time."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) >= 27
    error_message = "Twenty-seven alarms or more."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : strcontains(alarm.alarm_description, "alarms.md#")])
    error_message = "Each says where to read on."
  }

  assert {
    condition     = length(aws_backup_vault.copy) == 0
    error_message = "No vault elsewhere."
  }
}

run "with_three_zones_and_every_optional_part" {
  command = apply

  variables {
    availability_zones       = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    enable_cloudfront_assets = true
    sync_assets              = false
    worker                   = { spot = 50 }
    enable_client_vpn        = true
    client_vpn_certificates = {
      server = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000001"
      client = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000002"
    }
    alb_oidc = {
      issuer                 = "https://id.example.com"
      authorization_endpoint = "https://id.example.com/authorize"
      token_endpoint         = "https://id.example.com/token"
      user_info_endpoint     = "https://id.example.com/userinfo"
      client_id              = "diagport"
      client_secret          = "of-the-provider"
    }
  }

  assert {
    condition     = length(aws_subnet.data) == 3 && length(aws_nat_gateway.this) == 3 && aws_subnet.app["eu-west-1c"].cidr_block == "10.20.96.0/20"
    error_message = "A third zone adds to what is there and moves nothing."
  }

  assert {
    condition     = length(aws_lb_listener_rule.staff_sso) == 1
    error_message = "With alb_oidc the paths of staff have a rule of their own."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.assets) == 1 && length(aws_route53_record.assets) == 2 && length(aws_s3_bucket_policy.assets) == 1
    error_message = "A distribution with a name and a bucket that only it reads."
  }

  assert {
    condition     = length(aws_ec2_client_vpn_endpoint.this) == 1 && length(aws_ec2_client_vpn_network_association.this) == 3
    error_message = "An endpoint in each zone."
  }

  assert {
    condition = length(setsubtract(
      [for server in aws_ec2_client_vpn_endpoint.this[0].dns_servers : "${server}/32"],
      [for rule in aws_ec2_client_vpn_authorization_rule.names : rule.target_network_cidr]
    )) == 0 && aws_ec2_client_vpn_authorization_rule.names[0].target_network_cidr == "10.20.0.2/32"
    error_message = "Whoever is told of a resolver may ask it."
  }

  assert {
    condition     = { for strategy in aws_ecs_service.worker.capacity_provider_strategy : strategy.capacity_provider => strategy.weight } == { FARGATE = 50, FARGATE_SPOT = 50 }
    error_message = "Half and half."
  }

  assert {
    condition     = output.portal_url == "https://upload.example.com"
    error_message = "The portal's address."
  }
}

run "uploads_on_efs_behind_one_nat_gateway" {
  command = plan

  variables {
    storage_backend    = "efs"
    single_nat_gateway = true
  }

  assert {
    condition     = aws_lb.portal.idle_timeout == 300 && local.keepalive_seconds == 305
    error_message = "With all bytes through the portal a sender may be silent for longer."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.app) == 2
    error_message = "One gateway, and a way to it from each zone."
  }
}

run "dev_is_small" {
  command = plan

  variables {
    environment         = "dev"
    account_ids         = { dev = "222222222222" }
    database            = { min_acu = 0, instances = 1, max_acu = 2, backup_days = 7 }
    redis               = { nodes = 1 }
    deletion_protection = false
  }

  assert {
    condition     = length(aws_rds_cluster_instance.portal) == 1 && !aws_rds_cluster.portal.deletion_protection && !contains(keys(aws_cloudwatch_metric_alarm.this), "postgres-replica-lag")
    error_message = "One database without a replica to watch, that can be removed."
  }
}

run "production_has_two_of_everything" {
  command = plan

  variables {
    environment        = "prod"
    backup_copy_region = "eu-central-1"
    backup_vault_lock  = true
  }

  assert {
    condition     = length(aws_rds_cluster_instance.portal) == 2 && aws_rds_cluster.portal.deletion_protection && aws_rds_cluster.portal.backup_retention_period == 35
    error_message = "Two databases, protected, recoverable for 35 days."
  }

  assert {
    condition     = aws_elasticache_replication_group.portal.multi_az_enabled && aws_appautoscaling_target.web.min_capacity >= 2
    error_message = "Redis with a replica, two web tasks."
  }

  assert {
    condition     = length(aws_backup_vault.copy) == 1 && length(aws_backup_vault_lock_configuration.this) == 1
    error_message = "Backups lie in a second region and are locked."
  }
}
