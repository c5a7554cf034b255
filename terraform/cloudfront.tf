# Optional: the files that pages refer to (style sheets, scripts, pictures) from a CDN and a host of its own. Each
# release has a directory there, named after its image tag, and none is ever changed: a page that was opened before a
# roll finds its files for as long as somebody looks at it, and so does a release that comes back by a rollback.
# The portal is told by DIAGPORT_ASSETS_URL = local.assets_url, and lets browsers load from there (app/web/headers.py).

locals {
  assets_domain = "assets.${var.domain_name}" # no cookie of the portal's ever goes there: they are bound to its host
  assets_url    = var.enable_cloudfront_assets ? "https://${local.assets_domain}/${var.image_tag}" : null
}

# CloudFront takes certificates from us-east-1 alone.
resource "aws_acm_certificate" "assets" {
  count    = var.enable_cloudfront_assets ? 1 : 0
  provider = aws.us_east_1

  domain_name       = local.assets_domain
  validation_method = "DNS"

  options {
    certificate_transparency_logging_preference = "ENABLED"
  }

  tags = { Name = "${local.name}-assets" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "assets_validation" {
  count    = var.enable_cloudfront_assets ? 1 : 0
  provider = aws.dns

  zone_id         = data.aws_route53_zone.this.zone_id
  name            = one(aws_acm_certificate.assets[0].domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.assets[0].domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.assets[0].domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "assets" {
  count    = var.enable_cloudfront_assets ? 1 : 0
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.assets[0].arn
  validation_record_fqdns = [aws_route53_record.assets_validation[0].fqdn]
}

resource "aws_cloudfront_origin_access_control" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  name                              = "${local.name}-assets"
  description                       = "CloudFront reads the bucket in its own name"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

data "aws_cloudfront_cache_policy" "assets" {
  count = var.enable_cloudfront_assets ? 1 : 0

  name = "Managed-CachingOptimized" # by path alone, as long as Cache-Control says, compressed
}

# Modules are loaded by CORS, from the portal's pages and from no others.
resource "aws_cloudfront_response_headers_policy" "assets" {
  #checkov:skip=CKV_AWS_259:all that is missing is preload, which is for the owner of the whole domain to ask for
  count = var.enable_cloudfront_assets ? 1 : 0

  name    = "${local.name}-assets"
  comment = "${local.name}: files for the portal's own pages"

  cors_config {
    access_control_allow_credentials = false
    access_control_max_age_sec       = 86400
    origin_override                  = true

    access_control_allow_headers {
      items = ["*"]
    }

    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }

    access_control_allow_origins {
      items = [local.base_url]
    }
  }

  security_headers_config {
    content_type_options {
      override = true # nosniff: what is called a script is one
    }

    content_security_policy {
      content_security_policy = "default-src 'none'; frame-ancestors 'none'"
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = true
      override                   = true
    }
  }

  custom_headers_config {
    items {
      header   = "Cross-Origin-Resource-Policy"
      value    = "same-site"
      override = true
    }
  }
}

resource "aws_cloudfront_distribution" "assets" {
  #checkov:skip=CKV_AWS_68:a firewall finds nothing to do: GET of files that anybody may read, without parameters
  #checkov:skip=CKV2_AWS_47:nothing behind it runs Java, or runs at all
  #checkov:skip=CKV_AWS_86:who loaded a style sheet is of no use to anybody, and would be kept for nothing
  #checkov:skip=CKV_AWS_305:there is nothing at the root, and nothing is what it shall show
  #checkov:skip=CKV_AWS_310:without these files pages are plain but work, and another release's would not match
  #checkov:skip=CKV_AWS_374:customers are everywhere
  count = var.enable_cloudfront_assets ? 1 : 0

  enabled         = true
  comment         = "${local.name}: files of pages"
  aliases         = [local.assets_domain]
  http_version    = "http2and3"
  is_ipv6_enabled = true
  price_class     = "PriceClass_All"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.assets[0].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.assets[0].id
  }

  default_cache_behavior {
    target_origin_id           = "bucket"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.assets[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.assets[0].id
  }

  # S3's answer to what is not there, since CloudFront may not list. It shall not outlive the upload of a release.
  custom_error_response {
    error_code            = 403
    error_caching_min_ttl = 10
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.assets[0].certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }

  tags = { Name = "${local.name}-assets" }
}

resource "aws_route53_record" "assets" {
  for_each = var.enable_cloudfront_assets ? toset(["A", "AAAA"]) : toset([])
  provider = aws.dns

  zone_id = data.aws_route53_zone.this.zone_id
  name    = local.assets_domain
  type    = each.value

  alias {
    name                   = aws_cloudfront_distribution.assets[0].domain_name
    zone_id                = aws_cloudfront_distribution.assets[0].hosted_zone_id
    evaluate_target_health = false # CloudFront has no such thing
  }
}
