variable "project" {
  description = "Name that every resource begins with; the same as in terraform/."
  type        = string
  default     = "diagport"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project))
    error_message = "project must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "region" {
  description = "Region of the registry: that of the environments, or each start of a task pays for the way."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "account_ids" {
  description = "Account ids by environment; shared is this account, all others may pull."
  type        = map(string)

  validation {
    condition     = alltrue([for id in values(var.account_ids) : can(regex("^[0-9]{12}$", id))])
    error_message = "Each account id must be twelve digits, in quotes so that leading zeros stay."
  }

  validation {
    condition     = contains(keys(var.account_ids), "shared") && length(var.account_ids) >= 2
    error_message = "account_ids must have an entry for shared, and one for an environment."
  }
}

variable "repository" {
  description = "Repository on GitHub (owner/name) whose pipeline pushes images."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "repository must look like owner/name."
  }
}

variable "extra_tags" {
  description = "Further tags for everything that can have tags. Project, Environment, Repository and ManagedBy are set here."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.extra_tags), ["Project", "Environment", "Repository", "ManagedBy"])) == 0
    error_message = "extra_tags may not set Project, Environment, Repository or ManagedBy."
  }
}

variable "circleci" {
  description = "CircleCI's project, where its pipeline is used: ids of organisation and project (Project Settings), and origin (github.com/owner/name); null: GitHub Actions alone. The same as in bootstrap/, which makes the provider."
  type = object({
    organization_id = string
    project_id      = string
    origin          = string
  })
  default = null

  validation {
    condition = var.circleci == null || alltrue([
      for id in [try(var.circleci.organization_id, ""), try(var.circleci.project_id, "")] : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))
    ])
    error_message = "circleci.organization_id and circleci.project_id must be UUIDs."
  }

  validation {
    condition     = var.circleci == null || can(regex("^[a-z0-9.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", try(var.circleci.origin, "")))
    error_message = "circleci.origin must look like github.com/owner/name."
  }
}

variable "kept_images" {
  description = "How many tagged images of each repository are kept; older ones go, so it must reach back beyond the oldest release that could be rolled back to."
  type        = number
  default     = 100

  validation {
    condition     = var.kept_images >= 20 && var.kept_images <= 1000
    error_message = "kept_images must be 20 to 1000."
  }
}
