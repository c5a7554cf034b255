# What waf.tf is made from.

locals {
  upload_doors    = "^/+(upload|tus)(/|$)|^/+t/"
  sign_in_doors   = "^/+(sign-in|reset|activate)(/|$)"
  secret_in_paths = "^/+(t|activate|reset|unsubscribe)/+[^/]" # as app/web/context.py: whoever knows the address may

  # AWS's own groups in the order they are asked. `count`: rules of theirs that only count. A name that a version of a
  # group does not have is ignored by AWS. `only_counts`: the whole group does.
  # What people search for, and the names of files that they look at, stand in query strings: error.log, ../etc/passwd,
  # an address of AWS, a statement of SQL, a piece of HTML. Rules that read these count as well.
  waf_groups = {
    AWSManagedRulesAmazonIpReputationList = { priority = 10, everywhere = true, only_counts = false, count = [] }
    # People behind VPNs and in clouds are customers too.
    AWSManagedRulesAnonymousIpList = { priority = 11, everywhere = true, only_counts = true, count = [] }
    AWSManagedRulesKnownBadInputsRuleSet = {
      priority    = 12
      everywhere  = false
      only_counts = false
      count       = ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"]
    }
    AWSManagedRulesCommonRuleSet = {
      priority    = 13
      everywhere  = false
      only_counts = false
      count = [
        "SizeRestrictions_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "CrossSiteScripting_BODY",
        "RestrictedExtensions_QUERYARGUMENTS", "RestrictedExtensions_URIPATH", "EC2MetaDataSSRF_QUERYARGUMENTS",
        "GenericLFI_QUERYARGUMENTS", "GenericRFI_QUERYARGUMENTS", "CrossSiteScripting_QUERYARGUMENTS",
        "NoUserAgent_HEADER",             # small scripts on customers' machines name none
        "SizeRestrictions_QUERYSTRING",   # sign-in providers send people back with codes of two kilobytes and more
        "SizeRestrictions_Cookie_HEADER", # where the load balancer signs staff in, its cookies fill sixteen
      ]
    }
    AWSManagedRulesSQLiRuleSet = {
      priority    = 14
      everywhere  = false
      only_counts = false
      count       = ["SQLi_BODY", "SQLi_QUERYARGUMENTS", "SQLiExtendedPatterns_BODY", "SQLiExtendedPatterns_QUERYARGUMENTS"]
    }
  }
}
