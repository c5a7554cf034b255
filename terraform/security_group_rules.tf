# The rules of the groups in security_groups.tf: from the door inwards.

# --- Internet -> load balancer

resource "aws_vpc_security_group_ingress_rule" "alb_http" {
  #checkov:skip=CKV_AWS_260:port 80 answers with a redirect to https and nothing else (aws_lb_listener.http)
  for_each = toset(var.allowed_ingress_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "http, which is sent on to https"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_ingress_rule" "alb_https" {
  for_each = toset(var.allowed_ingress_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "https"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "alb_ipv6" {
  #checkov:skip=CKV_AWS_260:port 80 answers with a redirect to https and nothing else (aws_lb_listener.http)
  for_each = local.for_everybody ? { http = 80, https = 443 } : {}

  security_group_id = aws_security_group.alb.id
  description       = "${each.key} by IPv6"
  cidr_ipv6         = "::/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

# --- Load balancer -> web tasks

resource "aws_vpc_security_group_egress_rule" "alb_web" {
  security_group_id            = aws_security_group.alb.id
  description                  = "Requests and health checks to web tasks"
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "tcp"
  from_port                    = local.web_port
  to_port                      = local.web_port
}

resource "aws_vpc_security_group_ingress_rule" "web_alb" {
  security_group_id            = aws_security_group.web.id
  description                  = "Requests and health checks from the load balancer"
  referenced_security_group_id = aws_security_group.alb.id
  ip_protocol                  = "tcp"
  from_port                    = local.web_port
  to_port                      = local.web_port
}

# Where the load balancer signs staff in, it asks the provider for tokens itself.
resource "aws_vpc_security_group_egress_rule" "alb_provider" {
  count = local.staff_sso ? 1 : 0

  security_group_id = aws_security_group.alb.id
  description       = "Token and user endpoints of the sign-in provider"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# --- Tasks -> stores

resource "aws_vpc_security_group_egress_rule" "store" {
  for_each = local.flows

  security_group_id            = each.value.from
  description                  = "To ${split("-", each.key)[1]}"
  referenced_security_group_id = each.value.to
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "store" {
  for_each = local.flows

  security_group_id            = each.value.to
  description                  = "From ${split("-", each.key)[0]} tasks"
  referenced_security_group_id = each.value.from
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

# --- Tasks -> AWS and the internet

resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = local.tasks

  security_group_id = each.value
  description       = "S3 through its gateway endpoint"
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  for_each = local.tasks

  security_group_id            = each.value
  description                  = "Interface endpoints"
  referenced_security_group_id = aws_security_group.endpoints.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = local.tasks

  security_group_id            = aws_security_group.endpoints.id
  description                  = "From ${each.key} tasks"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

# Other AWS services, sign-in providers, webhooks, ClamAV's mirror: names with changing addresses, all by https.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = local.tasks

  security_group_id = each.value
  description       = "https"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Mail servers have changing addresses too. SES is asked by https and needs no such rule.
resource "aws_vpc_security_group_egress_rule" "worker_smtp" {
  count = var.mail.via == "smtp" ? 1 : 0

  security_group_id = aws_security_group.worker.id
  description       = "The mail server (submission with STARTTLS)"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = var.mail.smtp_port
  to_port           = var.mail.smtp_port
}
