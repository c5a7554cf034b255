# What containers have in common, and each container of the portal's image. ECS takes them as JSON.

locals {
  # Nobody is root, nothing can be written but what is mounted, and a small init passes signals on and reaps children.
  hardened = {
    essential              = true
    readonlyRootFilesystem = true
    privileged             = false
    stopTimeout            = local.stop_seconds
    linuxParameters = merge(
      { initProcessEnabled = true },
      # ECS Exec starts as root and needs some of them; where it is off, nobody needs any.
      { for name, value in { capabilities = { drop = ["ALL"] } } : name => value if !var.enable_ecs_exec },
    )
    ulimits = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }] # gunicorn.conf.py takes what it may
  }

  # A process that dies, of too little memory say, is started again by itself: the others of its task, clamd with its
  # minutes of loading above all, go on. If it dies within a minute again, the task is replaced. So it is when a process
  # ends with 1, as it does when the database no longer takes its password or clamd is not fit: starting the same again
  # would change nothing, and another task is given the secrets as they are now.
  restarted = { restartPolicy = { enabled = true, ignoredExitCodes = [1], restartAttemptPeriod = 60 } }

  # Lines that CloudWatch does not take wait in memory. When that is full the web and the workers lose lines rather than
  # stand still. No deed is lost by that: the audit trail is rows of the database, written in the deed's transaction. The
  # scheduler's lines are the only copy of the trail's daily anchor (docs/operations/audit.md), and a migration's are
  # what one reads when it failed: those two wait instead.
  log_modes = {
    patient  = { mode = "blocking" }
    flowing  = { mode = "non-blocking", max-buffer-size = "25m" }
    services = { web = "flowing", worker = "flowing", clamav = "flowing", scheduler = "patient", migrate = "patient", freshclam = "patient" }
  }
  logs = {
    for service, mode in local.log_modes.services : service => {
      logDriver = "awslogs"
      options = merge({
        awslogs-group         = aws_cloudwatch_log_group.ecs[service].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "task"
      }, local.log_modes[mode])
    }
  }

  # Container -> what it belongs to, what it runs, and what it alone has.
  portal_processes = {
    web = {
      service = "web"
      command = ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
      own = {
        portMappings = [{ containerPort = local.web_port, hostPort = local.web_port, protocol = "tcp" }]
        healthCheck  = merge(local.health_check, { command = concat(local.health_command, ["web"]), startPeriod = 60 })
      }
    }
    scan       = { service = "worker", command = ["python", "worker.py", "scan"], own = merge(local.beating["scan"], local.after_clamd) }
    scan-large = { service = "worker", command = ["python", "worker.py", "scan-large"], own = merge(local.beating["scan-large"], local.after_clamd) }
    gate       = { service = "worker", command = ["python", "worker.py", "gate"], own = merge(local.beating["gate"], local.after_clamd) }
    deliver    = { service = "worker", command = ["python", "worker.py", "deliver"], own = local.beating["deliver"] }
    scheduler  = { service = "scheduler", command = ["python", "worker.py", "scheduler"], own = local.beating["scheduler"] }
    migrate    = { service = "migrate", command = ["alembic", "upgrade", "head"], own = {} }
  }

  health_command = ["CMD", "python", "/app/docker/healthcheck.py"]
  health_check   = { interval = 30, timeout = 5, retries = 3 }
  beating = {
    for role in ["scan", "scan-large", "gate", "deliver", "scheduler"] : role => merge(local.restarted, {
      # The first beat comes after the tests of the scanner, which take a while on one core.
      healthCheck = merge(local.health_check, { command = concat(local.health_command, [role]), startPeriod = 300 })
    })
  }
  # ECS stops in the opposite order: clamd goes only when nobody needs it any more.
  after_clamd = { dependsOn = [{ containerName = "clamd", condition = "HEALTHY" }] }

  # Directories that can be written, each container's own. The image declares them as volumes, so that they belong to
  # its user. ECS Exec keeps its things in three more; ClamAV's containers have none, and no shell is opened in them.
  writable = {
    for service in keys(local.secrets) : service => merge(
      { tmp = "/tmp", scratch = "/scratch" },
      {
        for name, path in { agents = "/managed-agents", ssm = "/var/lib/amazon/ssm", ssm-log = "/var/log/amazon/ssm" } : name => path
        if var.enable_ecs_exec && service != "migrate"
      },
    )
  }
  bundles_mount = [
    for volume in ["bundles"] : { sourceVolume = volume, containerPath = local.bundles_path, readOnly = false } if local.on_efs
  ]

  portal_containers = {
    for name, process in local.portal_processes : name => merge(local.hardened, {
      name             = name
      image            = local.images.portal
      user             = "10001:10001"
      command          = process.command
      environment      = local.environment[process.service]
      secrets          = local.secrets[process.service]
      logConfiguration = local.logs[process.service]
      mountPoints = concat(
        [for volume, path in local.writable[process.service] : { sourceVolume = "${name}-${volume}", containerPath = path, readOnly = false }],
        process.service == "migrate" ? [] : local.bundles_mount,
      )
    }, process.own)
  }

  # Task -> names of the volumes that its containers have to themselves.
  own_volumes = {
    for service in keys(local.secrets) : service => toset(flatten([
      for name, process in local.portal_processes : [for volume in keys(local.writable[service]) : "${name}-${volume}"] if process.service == service
    ]))
  }
}
