# Optional: a client VPN, by which engineers reach the database with their own tools. Everything else goes by
# ECS Exec and Session Manager, which need no network. Costs about 0.10 dollars an hour for each zone, used or not.

locals {
  resolver = cidrhost(var.vpc_cidr, 2) # the VPC's own, which knows the database's name
}

resource "aws_security_group" "vpn" {
  count = var.enable_client_vpn ? 1 : 0

  name_prefix = "${local.name}-vpn-"
  description = "Engineers by client VPN"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-vpn" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "vpn_postgres" {
  count = var.enable_client_vpn ? 1 : 0

  security_group_id            = aws_security_group.vpn[0].id
  description                  = "To postgres, and to nothing else"
  referenced_security_group_id = aws_security_group.postgres.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "postgres_vpn" {
  count = var.enable_client_vpn ? 1 : 0

  security_group_id            = aws_security_group.postgres.id
  description                  = "From engineers by client VPN"
  referenced_security_group_id = aws_security_group.vpn[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_cloudwatch_log_group" "vpn" {
  count = var.enable_client_vpn ? 1 : 0

  name              = "/vpn/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

resource "aws_cloudwatch_log_stream" "vpn" {
  count = var.enable_client_vpn ? 1 : 0

  name           = "connections"
  log_group_name = aws_cloudwatch_log_group.vpn[0].name
}

resource "aws_ec2_client_vpn_endpoint" "this" {
  count = var.enable_client_vpn ? 1 : 0

  description            = local.name
  vpc_id                 = aws_vpc.this.id
  client_cidr_block      = var.client_vpn_cidr
  server_certificate_arn = var.client_vpn_certificates.server
  security_group_ids     = [aws_security_group.vpn[0].id]
  dns_servers            = [local.resolver] # see the last rule below
  split_tunnel           = true             # only what is for the VPC comes here
  transport_protocol     = "udp"
  session_timeout_hours  = 8

  authentication_options {
    type                       = "certificate-authentication"
    root_certificate_chain_arn = var.client_vpn_certificates.client
  }

  connection_log_options {
    enabled               = true
    cloudwatch_log_group  = aws_cloudwatch_log_group.vpn[0].name
    cloudwatch_log_stream = aws_cloudwatch_log_stream.vpn[0].name
  }

  tags = { Name = local.name }
}

resource "aws_ec2_client_vpn_network_association" "this" {
  for_each = var.enable_client_vpn ? local.zones : {}

  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.this[0].id
  subnet_id              = aws_subnet.app[each.key].id
}

resource "aws_ec2_client_vpn_authorization_rule" "data" {
  for_each = var.enable_client_vpn ? local.zones : {}

  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.this[0].id
  description            = "The database's subnet in ${each.key}"
  target_network_cidr    = aws_subnet.data[each.key].cidr_block
  authorize_all_groups   = true # all who have a certificate; the security group leaves them one port
}

# And the resolver that it is told of, which answers at the third address of the VPC: in a public subnet.
resource "aws_ec2_client_vpn_authorization_rule" "names" {
  count = var.enable_client_vpn ? 1 : 0

  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.this[0].id
  description            = "The VPC's resolver"
  target_network_cidr    = "${local.resolver}/32"
  authorize_all_groups   = true
}
