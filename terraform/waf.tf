# The firewall before the load balancer. What people send here looks like attacks: logs are full of paths, of SQL, of
# other people's exploits. So no rule that reads bodies or searches blocks (they count), and the doors that bundles come
# in by are left out of those groups altogether. What the portal relies on is its own checks; this keeps noise away from
# them. Which groups, and which doors: waf_groups.tf.

resource "aws_wafv2_web_acl" "portal" {
  #checkov:skip=CKV_AWS_192:AWSManagedRulesKnownBadInputsRuleSet is there (waf_groups.tf; tests/doors.tftest.hcl), where code alone does not show it
  name        = local.name
  description = "${local.name}: rates by address, and groups of rules by AWS"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  # First, so that whatever refuses a request later, its address is known to be a secret: waf_logs.tf.
  rule {
    name     = "secret-in-address"
    priority = 0

    action {
      count {}
    }

    rule_label {
      name = "secret-in-address"
    }

    statement {
      regex_match_statement {
        regex_string = local.secret_in_paths

        field_to_match {
          uri_path {}
        }

        text_transformation {
          priority = 0
          type     = "URL_DECODE"
        }

        text_transformation {
          priority = 1
          type     = "LOWERCASE"
        }
      }
    }

    visibility_config {
      metric_name                = "secret-in-address"
      cloudwatch_metrics_enabled = false
      sampled_requests_enabled   = false
    }
  }

  # Guessing passwords, codes and links, from one address. The portal counts by account and network as well.
  rule {
    name     = "rate-sign-in"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429

          response_header {
            name  = "Retry-After"
            value = "60"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = floor(var.waf_rate_limit / 40) # AWS takes no less than 10
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"

        scope_down_statement {
          and_statement {
            statement {
              byte_match_statement {
                search_string         = "POST"
                positional_constraint = "EXACTLY"

                field_to_match {
                  method {}
                }

                text_transformation {
                  priority = 0
                  type     = "NONE"
                }
              }
            }

            statement {
              regex_match_statement {
                regex_string = local.sign_in_doors

                field_to_match {
                  uri_path {}
                }

                text_transformation {
                  priority = 0
                  type     = "URL_DECODE"
                }
              }
            }
          }
        }
      }
    }

    visibility_config {
      metric_name                = "rate-sign-in"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  # All requests of one address. Senders come again after 429, and go on where they were.
  rule {
    name     = "rate"
    priority = 2

    action {
      block {
        custom_response {
          response_code = 429

          response_header {
            name  = "Retry-After"
            value = "60"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.waf_rate_limit
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      metric_name                = "rate"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local.waf_groups

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        dynamic "none" {
          for_each = rule.value.only_counts ? [] : [1]
          content {}
        }

        dynamic "count" {
          for_each = rule.value.only_counts ? [1] : []
          content {}
        }
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.count

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }

          dynamic "scope_down_statement" {
            for_each = rule.value.everywhere ? [] : [1]

            content {
              not_statement {
                statement {
                  regex_match_statement {
                    regex_string = local.upload_doors

                    field_to_match {
                      uri_path {}
                    }

                    text_transformation {
                      priority = 0
                      type     = "NONE"
                    }
                  }
                }
              }
            }
          }
        }
      }

      visibility_config {
        metric_name                = rule.key
        cloudwatch_metrics_enabled = true
        sampled_requests_enabled   = false
      }
    }
  }

  # No samples: they would show cookies and addresses, as they came, to whoever may look at the console.
  visibility_config {
    metric_name                = local.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "portal" {
  resource_arn = aws_lb.portal.arn
  web_acl_arn  = aws_wafv2_web_acl.portal.arn
}
