variable "project" {
  description = "Name that every resource begins with; the same as in terraform/."
  type        = string
  default     = "diagport"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project))
    error_message = "project must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "environment" {
  description = "What this account is for: an environment, or shared (images)."
  type        = string

  validation {
    condition     = contains(["dev", "stage", "prod", "shared"], var.environment)
    error_message = "environment must be dev, stage, prod or shared."
  }
}

variable "account_id" {
  description = "Id of the account. A plan with credentials of another one stops before it reads anything."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits, in quotes so that leading zeros stay."
  }
}

variable "region" {
  description = "Region of the state's bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
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

variable "repository" {
  description = "Repository on GitHub (owner/name) whose pipeline may work in this account."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "repository must look like owner/name."
  }
}

variable "plan_pull_requests" {
  description = "Pull requests from branches of the repository are planned too. Whoever may push a branch may then run code of their own as the role that plans, and read what it reads: the state, and the application's secrets. Not for prod."
  type        = bool
  default     = false

  validation {
    condition     = !var.plan_pull_requests || contains(["dev", "stage"], var.environment)
    error_message = "plan_pull_requests is for dev and stage: a branch that nobody has looked at would read prod's secrets."
  }
}

variable "circleci" {
  description = "CircleCI's project, where its pipeline is used: ids of organisation and project (Project Settings), and origin (github.com/owner/name); null: GitHub Actions alone."
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

variable "create_dynamodb_lock_table" {
  description = "A table for state locks, for Terraform before 1.10, which cannot lock in S3. Newer ones need none."
  type        = bool
  default     = false
}

variable "assumable_role_arns" {
  description = "Roles that Terraform takes on from here: those of aws_roles_map's category TERRAFORM, such as the one for the hosted zone of the shared account. Not those of this environment, named <project>-<environment>-..."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.assumable_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))])
    error_message = "assumable_role_arns must be ARNs of IAM roles."
  }

  validation {
    condition = alltrue([
      for arn in var.assumable_role_arns : !can(regex("::${var.account_id}:role/${var.project}-${var.environment}-", arn))
    ])
    error_message = "assumable_role_arns may not name roles that the pipeline itself makes: it is denied those."
  }
}
