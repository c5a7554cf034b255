# The VPC: public subnets for the load balancer and NAT, app subnets for tasks, data subnets for what keeps things.
# A sixteenth of the VPC for each, numbered with a gap so that a third zone fits: public 0-2, app 4-6, data 8-10.

locals {
  zones     = { for i, zone in var.availability_zones : zone => i }
  nat_zones = var.single_nat_gateway ? { (var.availability_zones[0]) = 0 } : local.zones

  public_subnet_ids = [for zone in var.availability_zones : aws_subnet.public[zone].id]
  app_subnet_ids    = [for zone in var.availability_zones : aws_subnet.app[zone].id]
  data_subnet_ids   = [for zone in var.availability_zones : aws_subnet.data[zone].id]

  # Whoever limits who comes in names IPv4 networks. Only a portal that is for everybody is reached by IPv6 too.
  for_everybody = contains(var.allowed_ingress_cidrs, "0.0.0.0/0")
}

resource "aws_vpc" "this" {
  cidr_block                       = var.vpc_cidr
  assign_generated_ipv6_cidr_block = local.for_everybody # for the load balancer alone; tasks have no IPv6
  enable_dns_support               = true
  enable_dns_hostnames             = true # the endpoints' private names need it

  tags = { Name = local.name }
}

# The group that everything falls into that names none: without rules it lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-default-unused" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = local.name }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, each.value)
  ipv6_cidr_block         = try(cidrsubnet(aws_vpc.this.ipv6_cidr_block, 8, each.value), null) # the VPC may have none
  map_public_ip_on_launch = false                                                              # NAT brings its own address, the load balancer is given one

  tags = { Name = "${local.name}-public-${each.key}", Tier = "public" }
}

resource "aws_subnet" "app" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, 4 + each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${local.name}-app-${each.key}", Tier = "app" }
}

resource "aws_subnet" "data" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, 8 + each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${local.name}-data-${each.key}", Tier = "data" }
}

# The addresses that the portal's own requests come from: webhooks, SNS in other accounts, ClamAV's mirror.
resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"

  tags = { Name = "${local.name}-nat-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${local.name}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route" "public_ipv6" {
  count = local.for_everybody ? 1 : 0

  route_table_id              = aws_route_table.public.id
  destination_ipv6_cidr_block = "::/0"
  gateway_id                  = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = local.zones

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public.id
}

# One for each zone, so that a zone that is lost takes only its own way out with it.
resource "aws_route_table" "app" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-app-${each.key}" }
}

resource "aws_route" "app" {
  for_each = local.zones

  route_table_id         = aws_route_table.app[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.single_nat_gateway ? var.availability_zones[0] : each.key].id
}

resource "aws_route_table_association" "app" {
  for_each = local.zones

  subnet_id      = aws_subnet.app[each.key].id
  route_table_id = aws_route_table.app[each.key].id
}

# No route but the VPC's own, so that database, cache and file system cannot reach the internet. That none is added here
# is what tests/checks looks for; one that somebody adds by hand, no plan would see.
resource "aws_route_table" "data" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-data" }
}

resource "aws_route_table_association" "data" {
  for_each = local.zones

  subnet_id      = aws_subnet.data[each.key].id
  route_table_id = aws_route_table.data.id
}

resource "aws_cloudwatch_log_group" "vpc_flow_logs" {
  name              = "${local.name}-vpc-flow-logs"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.ops.arn
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL" # what was refused shows who tries, what was let through shows where data went
  iam_role_arn             = aws_iam_role.flow_logs.arn
  log_destination          = aws_cloudwatch_log_group.vpc_flow_logs.arn
  max_aggregation_interval = 60 # seconds

  tags = { Name = local.name }
}
