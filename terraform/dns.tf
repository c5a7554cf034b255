# The portal's name and its certificate. The zone is there already, perhaps in the shared account (provider aws.dns).

data "aws_route53_zone" "this" {
  provider = aws.dns

  name         = var.hosted_zone_name
  private_zone = false
}

resource "aws_acm_certificate" "portal" {
  domain_name       = var.domain_name
  validation_method = "DNS" # renewed by itself for as long as the record stands

  options {
    certificate_transparency_logging_preference = "ENABLED"
  }

  tags = { Name = local.name }

  lifecycle {
    create_before_destroy = true
  }
}

# One name, so one record.
resource "aws_route53_record" "validation" {
  provider = aws.dns

  zone_id         = data.aws_route53_zone.this.zone_id
  name            = one(aws_acm_certificate.portal.domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.portal.domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.portal.domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true # the same record proves the name for the next certificate too
}

resource "aws_acm_certificate_validation" "portal" {
  certificate_arn         = aws_acm_certificate.portal.arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}

resource "aws_route53_record" "portal" {
  for_each = local.for_everybody ? toset(["A", "AAAA"]) : toset(["A"])
  provider = aws.dns

  zone_id = data.aws_route53_zone.this.zone_id
  name    = var.domain_name
  type    = each.value

  alias {
    name                   = aws_lb.portal.dns_name
    zone_id                = aws_lb.portal.zone_id
    evaluate_target_health = true
  }
}

# Amazon alone may issue certificates for the portal's name and the names below it, and none with a wildcard. Where the
# portal has the zone's own name, that would bind all names of its owner: then it is the owner's to say.
resource "aws_route53_record" "caa" {
  count    = var.domain_name == var.hosted_zone_name ? 0 : 1
  provider = aws.dns

  zone_id = data.aws_route53_zone.this.zone_id
  name    = var.domain_name
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"amazon.com\"", "0 issuewild \";\""]
}

# Asks from all over the world, as customers do: tells of what no metric from inside can, such as a name that is gone.
# A portal that is for some networks only cannot be asked from there.
resource "aws_route53_health_check" "portal" {
  count = local.production && local.for_everybody ? 1 : 0

  type              = "HTTPS"
  fqdn              = var.domain_name
  port              = 443
  resource_path     = "/healthz"
  enable_sni        = true
  request_interval  = 30 # seconds
  failure_threshold = 3
  measure_latency   = true

  tags = { Name = local.name }
}
