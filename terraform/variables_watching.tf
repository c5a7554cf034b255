# Who is told, what is kept of logs, and the optional parts.

variable "log_retention_days" {
  description = "How long logs are kept: one of the periods that CloudWatch knows."
  type        = number
  default     = 365

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be 365 or a longer period that CloudWatch knows."
  }
}

variable "alarm_emails" {
  description = "Who gets mail when an alarm begins and ends; each must confirm the subscription."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "alarm_emails must be mail addresses."
  }

  validation {
    condition     = var.environment != "prod" || length(var.alarm_emails) > 0
    error_message = "Production needs somebody to be told: alarm_emails."
  }
}

variable "upload_notification_emails" {
  description = "Who gets mail from the topic that the portal may publish uploads to (docs/channels.md); each must confirm."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.upload_notification_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "upload_notification_emails must be mail addresses."
  }
}

variable "waf_rate_limit" {
  description = "Requests in five minutes from one address before it is refused. An open list or inbox asks every three seconds, which makes 100: allow for the largest office behind one address. What is sent to sign-in doors has a fortieth of it."
  type        = number
  default     = 20000

  validation {
    condition     = var.waf_rate_limit >= 1000 && var.waf_rate_limit <= 2000000000
    error_message = "waf_rate_limit must be at least 1000: an upload in chunks is many requests, and so is an open page."
  }
}

variable "enable_cloudfront_assets" {
  description = "Serve /static through CloudFront from a bucket of its own."
  type        = bool
  default     = false
}

variable "sync_assets" {
  description = "Put the release's static files into that bucket before its web tasks start. Needs scripts/sync-assets.sh, the AWS command line, and static/ as it is in the image. false: they are put there otherwise (docs/deploy/)."
  type        = bool
  default     = true
}

variable "enable_client_vpn" {
  description = "A client VPN into the VPC. ECS Exec and Session Manager do without."
  type        = bool
  default     = false
}

variable "client_vpn_cidr" {
  description = "Addresses of VPN clients, outside the VPC's."
  type        = string
  default     = "10.250.0.0/22"

  validation {
    condition     = can(cidrhost(var.client_vpn_cidr, 0)) && tonumber(split("/", var.client_vpn_cidr)[1]) >= 12 && tonumber(split("/", var.client_vpn_cidr)[1]) <= 22
    error_message = "client_vpn_cidr must be an IPv4 block from /12 to /22."
  }
}

variable "client_vpn_certificates" {
  description = "ARNs of the VPN's certificates in ACM: server, and the authority that signed the clients'."
  type = object({
    server = string
    client = string
  })
  default = null

  validation {
    condition     = !var.enable_client_vpn || var.client_vpn_certificates != null
    error_message = "enable_client_vpn needs client_vpn_certificates."
  }
}

variable "log_archive_destination_arn" {
  description = "Destination in the logs account that the tasks' logs are sent to as well; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.log_archive_destination_arn == null || can(regex("^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:destination:", var.log_archive_destination_arn))
    error_message = "log_archive_destination_arn must be the ARN of a CloudWatch Logs destination."
  }
}

variable "monthly_budget_usd" {
  description = "Dollars a month; mail at 80 % spent and at 100 % forecast. 0: no budget."
  type        = number
  default     = 0

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd must be 0 or more."
  }
}
