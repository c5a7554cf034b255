# What an environment is. Services, data and watching have files of their own: variables_*.tf.

variable "project" {
  description = "Name that every resource begins with."
  type        = string
  default     = "diagport"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project))
    error_message = "project must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "environment" {
  description = "Which environment this is; it has an account, a state and a file in envs/ of its own."
  type        = string

  validation {
    condition     = contains(["dev", "stage", "prod"], var.environment)
    error_message = "environment must be dev, stage or prod."
  }
}

variable "repository" {
  description = "Where this code is kept (owner/name); a tag on every resource."
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

variable "region" {
  description = "AWS region of everything but CloudFront's certificate."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "account_ids" {
  description = "Account ids by environment. A plan with credentials of another account stops before it reads anything."
  type        = map(string)

  validation {
    condition     = alltrue([for id in values(var.account_ids) : can(regex("^[0-9]{12}$", id))])
    error_message = "Each account id must be twelve digits, in quotes so that leading zeros stay."
  }

  validation {
    condition     = contains(keys(var.account_ids), var.environment)
    error_message = "account_ids must have an entry for this environment."
  }
}

variable "aws_roles_map" {
  description = "Roles by category and service, DEFAULT where a service has none of its own. TERRAFORM (DEFAULT, dns) is for the providers; the others (MESSAGES) are given to the application, which may then assume those roles."
  type        = map(map(string))
  default     = {}

  validation {
    condition = alltrue(flatten([
      for roles in values(var.aws_roles_map) : [for arn in values(roles) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))]
    ]))
    error_message = "aws_roles_map must map category -> service -> ARN of an IAM role."
  }

  validation {
    condition     = !contains(keys(var.aws_roles_map), "STORAGE") && !contains(keys(var.aws_roles_map), "DEFAULT")
    error_message = "Web and workers must differ to the bucket, whose policy keeps the web from what is not clean: give storage no common role."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, different in each environment so that they can be peered. A sixteenth goes to each subnet."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20
    error_message = "vpc_cidr must be an IPv4 block from /16 to /20."
  }
}

variable "availability_zones" {
  description = "Zones to run in: two or three."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 3
    error_message = "availability_zones must name two or three zones: the database's and the cache's subnet groups need two."
  }

  validation {
    condition     = length(distinct(var.availability_zones)) == length(var.availability_zones) && alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "availability_zones must be different zones of the region."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: cheaper, and away when its zone is. Not for production."
  type        = bool
  default     = false

  validation {
    condition     = !(var.single_nat_gateway && var.environment == "prod")
    error_message = "Production needs a NAT gateway in each zone."
  }
}

variable "interface_endpoints" {
  description = "Services that tasks reach within the VPC instead of by NAT (each costs about 8 dollars a month and zone)."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.interface_endpoints, ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages", "kms", "sqs", "sns", "sts", "monitoring", "email"])) == 0
    error_message = "interface_endpoints knows ecr.api, ecr.dkr, logs, secretsmanager, ssm, ssmmessages, kms, sqs, sns, sts, monitoring and email."
  }
}

variable "allowed_ingress_cidrs" {
  description = "Who reaches ports 80 and 443 of the load balancer. Everybody, unless the portal is for some networks only."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_ingress_cidrs) > 0 && alltrue([for cidr in var.allowed_ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "allowed_ingress_cidrs must be IPv4 blocks."
  }
}

variable "hosted_zone_name" {
  description = "Public zone in Route 53 that the portal's name is in."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.hosted_zone_name))
    error_message = "hosted_zone_name must be a domain such as example.com, without a dot at its end."
  }
}

variable "domain_name" {
  description = "Name by which people reach the portal; links in mails begin with it."
  type        = string

  validation {
    condition     = endswith(var.domain_name, ".${var.hosted_zone_name}") || var.domain_name == var.hosted_zone_name
    error_message = "domain_name must lie in hosted_zone_name."
  }
}

variable "deletion_protection" {
  description = "Database, load balancer and buckets cannot be destroyed by a plan. Production has it, whatever stands here."
  type        = bool
  default     = true

  validation {
    condition     = var.deletion_protection || var.environment != "prod"
    error_message = "Production keeps its deletion protection. To end it for good, see docs/deploy/."
  }
}
