# The door: https for the portal's own name, and nothing for whoever asks for anything else.

locals {
  # The value is secret, whether there is one is not; only what is not secret may decide how many there are.
  staff_sso = nonsensitive(var.alb_oidc != null)

  # What no customer has a page under: see tests/architecture/access_matrix.txt. With the host these are four values
  # of one rule, which takes five.
  staff_paths = ["/inbox", "/quarantine*", "/admin*"]
}

resource "aws_lb" "portal" {
  #checkov:skip=CKV2_AWS_76:AWSManagedRulesKnownBadInputsRuleSet is there (waf_groups.tf; tests/doors.tftest.hcl), where code alone does not show it
  #checkov:skip=CKV_AWS_150:production is always protected (below); dev may be taken down as it was put up
  name               = local.name
  load_balancer_type = "application"
  internal           = false
  ip_address_type    = local.for_everybody ? "dualstack" : "ipv4" # tasks are asked by IPv4 either way
  subnets            = local.public_subnet_ids
  security_groups    = [aws_security_group.alb.id]

  idle_timeout               = local.idle_seconds # silence within one request; gunicorn keeps connections longer
  enable_deletion_protection = local.production || var.deletion_protection

  # What two programs could read in two ways is refused here or closed after (request smuggling).
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  xff_header_processing_mode = "append" # the portal believes the last entry alone: DIAGPORT_PROXY_HOPS=1
  enable_waf_fail_open       = false    # without an answer of the firewall nobody comes in

  # Written with S3's own key, since the load balancer can write with no other. They hold addresses in full, those
  # that give leave by themselves included (/t/..., /reset/...): the bucket is for those who may have such leave.
  access_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = "alb"
    enabled = true
  }

  connection_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = "alb-connections"
    enabled = true
  }

  tags = { Name = local.name }

  depends_on = [aws_s3_bucket_policy.logs] # it tries to write there when it is made
}

# Replaced by a new one before it goes: hence the prefix, of six letters at most.
resource "aws_lb_target_group" "web" {
  #checkov:skip=CKV_AWS_378:http goes from the load balancer to tasks within the VPC, by security groups that admit nobody else
  name_prefix                   = "portal"
  vpc_id                        = aws_vpc.this.id
  target_type                   = "ip" # tasks have addresses of their own (awsvpc), and register them themselves
  port                          = local.web_port
  protocol                      = "HTTP"
  load_balancing_algorithm_type = "least_outstanding_requests" # an upload lasts for hours, a page for milliseconds
  deregistration_delay          = local.drain_seconds

  health_check {
    path                = "/healthz"
    matcher             = "200" # 503 when the database refuses the password: then the task is replaced and gets the new one
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { Name = "${local.name}-web" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.portal.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      status_code = "HTTP_301"
      protocol    = "HTTPS"
      port        = "443"
      host        = var.domain_name # not the host that was asked for: that is the visitor's choice
    }
  }
}

# Whoever goes through addresses instead of asking for the portal's name never reaches the portal.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.portal.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = aws_acm_certificate_validation.portal.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" # 1.3; 1.2 with forward secrecy and AEAD, for older senders

  routing_http_response_server_enabled = false # what answers is nobody's business

  default_action {
    type = "fixed-response"

    fixed_response {
      status_code  = "404"
      content_type = "text/plain"
      message_body = "Not found\n"
    }
  }
}

resource "aws_lb_listener_rule" "portal" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 100

  condition {
    host_header {
      values = [var.domain_name]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  tags = { Name = "${local.name}-portal" }
}

# A second door before staff's pages. The portal's own sign-in stays, and so does its say in who may do what.
# Programs with a token cannot ask for these addresses then: theirs begin with /api.
resource "aws_lb_listener_rule" "staff_sso" {
  count = local.staff_sso ? 1 : 0

  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  condition {
    host_header {
      values = [var.domain_name]
    }
  }

  condition {
    path_pattern {
      values = local.staff_paths
    }
  }

  action {
    type  = "authenticate-oidc"
    order = 1

    authenticate_oidc {
      issuer                     = var.alb_oidc.issuer
      authorization_endpoint     = var.alb_oidc.authorization_endpoint
      token_endpoint             = var.alb_oidc.token_endpoint
      user_info_endpoint         = var.alb_oidc.user_info_endpoint
      client_id                  = var.alb_oidc.client_id
      client_secret              = var.alb_oidc.client_secret
      scope                      = "openid"
      session_timeout            = 43200 # seconds: a working day, as the portal's own sessions at most
      on_unauthenticated_request = "authenticate"
    }
  }

  action {
    type             = "forward"
    order            = 2
    target_group_arn = aws_lb_target_group.web.arn
  }

  tags = { Name = "${local.name}-staff-sso" }
}
