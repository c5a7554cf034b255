# What is kept, and for how long.

variable "database" {
  description = "Aurora PostgreSQL Serverless v2: engine_version, least and most capacity (ACU; 0 pauses it), instances (two or more: one takes over), backup_days of point-in-time recovery."
  type = object({
    engine_version = optional(string, "16.6")
    min_acu        = optional(number, 0.5)
    max_acu        = optional(number, 8)
    instances      = optional(number, 2)
    backup_days    = optional(number, 35)
  })
  default = {}

  validation {
    condition     = var.database.min_acu >= 0 && var.database.min_acu <= var.database.max_acu && var.database.max_acu <= 256
    error_message = "database needs 0 <= min_acu <= max_acu <= 256."
  }

  validation {
    condition     = var.environment != "prod" || (var.database.instances >= 2 && var.database.min_acu >= 0.5 && var.database.backup_days == 35)
    error_message = "Production needs two database instances that never pause, and 35 days of recovery."
  }

  validation {
    condition     = var.database.backup_days >= 7 && var.database.backup_days <= 35
    error_message = "database.backup_days must be 7 to 35."
  }
}

variable "redis" {
  description = "ElastiCache: node_type, nodes (two or more: one takes over), engine_version."
  type = object({
    node_type      = optional(string, "cache.t4g.small")
    nodes          = optional(number, 2)
    engine_version = optional(string, "7.1")
  })
  default = {}

  validation {
    condition     = var.redis.nodes >= 1 && var.redis.nodes <= 6 && (var.environment == "dev" || var.redis.nodes >= 2)
    error_message = "redis.nodes must be 1 to 6, and at least 2 outside dev."
  }
}

variable "storage_backend" {
  description = "Where new bundles go: s3 (browsers send straight to it), or efs (resumable uploads through the portal)."
  type        = string
  default     = "s3"

  validation {
    condition     = contains(["s3", "efs"], var.storage_backend)
    error_message = "storage_backend must be s3 or efs."
  }
}

variable "noncurrent_days" {
  description = "How long a deleted or replaced object of files/ can be got back from its versions."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 365
    error_message = "noncurrent_days must be 1 to 365."
  }
}

variable "backup_copy_region" {
  description = "Second region that backups are copied to, for the loss of a whole one; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.backup_copy_region == null || (can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.backup_copy_region)) && var.backup_copy_region != var.region)
    error_message = "backup_copy_region must be another region than region."
  }
}

variable "backup_vault_lock" {
  description = "Nobody may shorten or remove backups, the account's root user included, once three days of grace are over. Cannot be undone."
  type        = bool
  default     = false
}
