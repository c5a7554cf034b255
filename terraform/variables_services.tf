# Images and tasks.

variable "ecr_registry" {
  description = "Registry of the shared account: <account>.dkr.ecr.<region>.amazonaws.com."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?$", var.ecr_registry))
    error_message = "ecr_registry must be the registry of an account, without a repository."
  }
}

variable "image_tag" {
  description = "Tag of the portal's image: the commit it was built from."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{7,40}$", var.image_tag))
    error_message = "image_tag must be a git commit (7 to 40 hexadecimal digits), never latest: a rollback needs to name what ran before."
  }
}

variable "clamav_image_tag" {
  description = "Tag of the ClamAV image, which is rebuilt weekly; null: the same as image_tag."
  type        = string
  default     = null

  validation {
    condition     = var.clamav_image_tag == null || (can(regex("^[0-9A-Za-z._-]{1,128}$", var.clamav_image_tag)) && var.clamav_image_tag != "latest")
    error_message = "clamav_image_tag must be a tag, and not latest."
  }
}

variable "cpu_architecture" {
  description = "Architecture of web, scheduler and migrate tasks. ARM costs a fifth less, if the portal's image was built for both: workers and freshclam stay on X86_64, which is all that ClamAV's image exists for."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
  }
}

variable "web" {
  description = "Web tasks: cpu (units of 1/1024 vCPU), memory (MiB), least and most tasks, gunicorn processes in each and threads of a process, requests (a minute and task that are fine)."
  type = object({
    cpu       = optional(number, 512)
    memory    = optional(number, 2048)
    min       = optional(number, 2)
    max       = optional(number, 6)
    processes = optional(number, 2)
    threads   = optional(number, 256)
    requests  = optional(number, 1500)
  })
  default = {}

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.web.cpu) && var.web.memory >= 2 * var.web.cpu && var.web.memory <= min(8 * var.web.cpu, 30720) && (var.web.memory == 512 || var.web.memory % 1024 == 0)
    error_message = "web needs a size that Fargate has: 256, 512, 1024, 2048 or 4096 units, and two to eight MiB for each of them, in whole GiB; 30720 MiB at most."
  }

  validation {
    condition     = var.web.min >= 1 && var.web.min <= var.web.max
    error_message = "web.min must be at least 1 and at most web.max."
  }

  validation {
    condition     = var.environment != "prod" || var.web.min >= 2
    error_message = "Production needs two web tasks, so that losing a zone is not losing the portal."
  }

  validation {
    condition     = var.web.memory >= 400 * var.web.processes
    error_message = "web.memory must be at least 400 MiB for each process."
  }
}

variable "worker" {
  description = "Worker tasks: cpu (units), memory (MiB) of the task, clamd_memory (MiB) of it for clamd, least and most tasks, scratch (GiB) of its disk, spot (share of 0 to 100 on Fargate Spot), backlog (waiting uploads per task that are fine)."
  type = object({
    cpu          = optional(number, 1024)
    memory       = optional(number, 6144)
    clamd_memory = optional(number, 4096)
    min          = optional(number, 1)
    max          = optional(number, 6)
    scratch      = optional(number, 21)
    spot         = optional(number, 0)
    backlog      = optional(number, 5)
  })
  default = {}

  validation {
    condition     = var.worker.clamd_memory >= 3072
    error_message = "worker.clamd_memory must be at least 3072 MiB: clamd holds its signatures twice while it loads new ones."
  }

  validation {
    condition     = var.worker.memory >= var.worker.clamd_memory + 1536
    error_message = "worker.memory must leave 1536 MiB to the workers beside clamd."
  }

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.worker.cpu) && var.worker.memory >= 2 * var.worker.cpu && var.worker.memory <= min(8 * var.worker.cpu, 30720) && (var.worker.memory == 512 || var.worker.memory % 1024 == 0)
    error_message = "worker needs a size that Fargate has: 256, 512, 1024, 2048 or 4096 units, and two to eight MiB for each of them, in whole GiB; 30720 MiB at most."
  }

  validation {
    condition     = var.worker.min >= 1 && var.worker.min <= var.worker.max
    error_message = "worker.min must be at least 1 and at most worker.max."
  }

  validation {
    condition     = var.worker.scratch >= 21 && var.worker.scratch <= 200
    error_message = "worker.scratch must be 21 to 200 GiB: what Fargate offers beyond its first 20."
  }

  validation {
    condition     = var.worker.spot >= 0 && var.worker.spot <= 100 && (var.worker.spot == 0 || var.environment != "prod")
    error_message = "worker.spot must be 0 to 100, and 0 in production."
  }
}

variable "enable_ecs_exec" {
  description = "Engineers may open a shell in a task (ECS Exec, logged). Off unless somebody needs it."
  type        = bool
  default     = false
}

variable "run_migrations" {
  description = "Migrate the database between the task definitions and the services. Needs scripts/ecs-run-task.sh and the AWS command line where Terraform runs."
  type        = bool
  default     = true
}

variable "settings" {
  description = "Further settings of the portal, by name without DIAGPORT_ (docs/operations/running.md); not secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[A-Z][A-Z0-9_]+$", name)) && !can(regex("PASSWORD|SECRET|_KEY|_URL$", name))])
    error_message = "settings are upper-case names without DIAGPORT_; passwords, keys and addresses with passwords go into Secrets Manager."
  }
}

variable "mail" {
  description = "How mails leave: via ses or smtp; from; ses_identity (the domain verified in SES); smtp host and port (587, STARTTLS; user name and password are operator secrets)."
  type = object({
    via          = optional(string, "ses")
    from         = string
    ses_identity = optional(string)
    smtp_host    = optional(string)
    smtp_port    = optional(number, 587)
  })

  validation {
    condition     = contains(["ses", "smtp"], var.mail.via)
    error_message = "mail.via must be ses or smtp."
  }

  validation {
    condition     = var.mail.via != "ses" || var.mail.ses_identity != null
    error_message = "mail.via = \"ses\" needs mail.ses_identity, the domain that SES may send for."
  }

  validation {
    condition     = var.mail.via != "smtp" || var.mail.smtp_host != null
    error_message = "mail.via = \"smtp\" needs mail.smtp_host."
  }
}

variable "channel_topic_arns" {
  description = "Further SNS topics that admins may point channels at (docs/channels.md), besides the environment's own."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.channel_topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+([.]fifo)?$", arn))])
    error_message = "channel_topic_arns must be ARNs of SNS topics, without wildcards."
  }
}

variable "alb_oidc" {
  description = "Sign staff in at the load balancer already, before /inbox, /quarantine and /admin; null: the portal's own sign-in alone."
  type = object({
    issuer                 = string
    authorization_endpoint = string
    token_endpoint         = string
    user_info_endpoint     = string
    client_id              = string
    client_secret          = string
  })
  default   = null
  sensitive = true

  validation {
    condition = var.alb_oidc == null || alltrue([
      for address in [try(var.alb_oidc.issuer, ""), try(var.alb_oidc.authorization_endpoint, ""), try(var.alb_oidc.token_endpoint, ""), try(var.alb_oidc.user_info_endpoint, "")] : startswith(address, "https://")
    ])
    error_message = "The addresses of alb_oidc must begin with https://."
  }
}
