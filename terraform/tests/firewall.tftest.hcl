# Who is refused at the door, who must not be, and what of it is written down.

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

run "bodies_are_never_a_reason_to_refuse" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for rule in aws_wafv2_web_acl.portal.rule : [
        for group in rule.statement[0].managed_rule_group_statement : [
          for override in group.rule_action_override : length(override.action_to_use[0].count) == 1
        ]
      ]
    ]))
    error_message = "What is overridden counts, and does nothing else."
  }

  assert {
    condition = length(setsubtract(
      ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY", "SQLi_BODY", "SQLiExtendedPatterns_BODY", "Log4JRCE_BODY", "JavaDeserializationRCE_BODY"],
      flatten([for rule in aws_wafv2_web_acl.portal.rule : [for group in rule.statement[0].managed_rule_group_statement : group.rule_action_override[*].name]])
    )) == 0
    error_message = "No rule that reads bodies blocks: diagnostics look like attacks."
  }

  assert {
    condition = length(setsubtract(
      ["RestrictedExtensions_QUERYARGUMENTS", "RestrictedExtensions_URIPATH", "EC2MetaDataSSRF_QUERYARGUMENTS", "GenericLFI_QUERYARGUMENTS", "GenericRFI_QUERYARGUMENTS", "CrossSiteScripting_QUERYARGUMENTS", "SQLi_QUERYARGUMENTS", "SQLiExtendedPatterns_QUERYARGUMENTS", "SizeRestrictions_QUERYSTRING"],
      flatten([for rule in aws_wafv2_web_acl.portal.rule : [for group in rule.statement[0].managed_rule_group_statement : group.rule_action_override[*].name]])
    )) == 0
    error_message = "Nor one that reads what is searched for, such as /files?q=error.log, or the names of files."
  }

  assert {
    condition = length(setsubtract(
      ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"],
      [for rule in aws_wafv2_web_acl.portal.rule : rule.name if try(length(rule.override_action[0].none) == 1, false)]
    )) == 0
    error_message = "Everything else that these groups know is refused, Log4j's lookups in addresses and headers among it."
  }

  assert {
    condition = toset(flatten([
      for rule in aws_wafv2_web_acl.portal.rule : [
        for group in rule.statement[0].managed_rule_group_statement : group.name if length(group.scope_down_statement) == 0
      ]
    ])) == toset(["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList"])
    error_message = "Upload doors are left out of all groups but those that look at addresses."
  }

  assert {
    condition     = alltrue([for path in ["/upload", "/upload/", "/upload/node1.log.tgz", "/tus", "/tus/0123", "/t/CODE", "//upload"] : can(regex(local.upload_doors, path))])
    error_message = "These are the doors that bundles come in by."
  }

  assert {
    condition     = !anytrue([for path in ["/", "/t", "/tickets/1/revoke", "/uploads", "/sign-in", "/api/v1/uploads", "/x/upload"] : can(regex(local.upload_doors, path))])
    error_message = "These are not."
  }
}

run "too_many_requests_are_told_when_to_come_again" {
  command = plan

  variables {
    waf_rate_limit = 4000
  }

  assert {
    condition     = { for rule in aws_wafv2_web_acl.portal.rule : rule.name => one(rule.statement[0].rate_based_statement[*].limit) if startswith(rule.name, "rate") } == { rate = 4000, rate-sign-in = 100 }
    error_message = "All requests, and what is sent to the doors of sign-in."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.portal.rule : rule.action[0].block[0].custom_response[0].response_code == 429
      if startswith(rule.name, "rate")
    ])
    error_message = "429 says to come again; senders do, and go on."
  }

  assert {
    condition     = alltrue([for path in ["/sign-in", "/sign-in/second", "/reset", "/reset/TOKEN", "/activate/TOKEN"] : can(regex(local.sign_in_doors, path))])
    error_message = "These are the doors where somebody may guess."
  }
}

run "logs_hold_nothing_that_opens_a_door" {
  command = plan

  assert {
    condition = length(setsubtract(
      ["cookie", "authorization", "x-csrftoken"],
      flatten([for field in aws_wafv2_web_acl_logging_configuration.portal.redacted_fields : field.single_header[*].name])
    )) == 0
    error_message = "Cookies, tokens and CSRF tokens are left out."
  }

  assert {
    condition     = anytrue([for field in aws_wafv2_web_acl_logging_configuration.portal.redacted_fields : length(field.query_string) == 1])
    error_message = "So are query strings."
  }

  assert {
    condition = alltrue([
      for filter in aws_wafv2_web_acl_logging_configuration.portal.logging_filter[0].filter : filter.behavior == "DROP" && alltrue([
        for condition in filter.condition : endswith(condition.label_name_condition[0].label_name, ":webacl:diagport-stage:secret-in-address")
      ])
    ])
    error_message = "Requests whose address gives leave are not logged."
  }

  assert {
    condition     = alltrue([for path in ["/t/code", "//t/code", "/reset/token", "/activate/token", "/unsubscribe/token"] : can(regex(local.secret_in_paths, path))]) && !can(regex(local.secret_in_paths, "/tickets/1"))
    error_message = "These addresses give leave by themselves."
  }

  assert {
    condition     = !anytrue(concat([aws_wafv2_web_acl.portal.visibility_config[0].sampled_requests_enabled], [for rule in aws_wafv2_web_acl.portal.rule : rule.visibility_config[0].sampled_requests_enabled]))
    error_message = "Samples would show in the console what logs leave out."
  }
}
