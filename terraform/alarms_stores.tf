# Alarms of what the portal keeps things in, and of the portal's own metrics (docs/operations/metrics.md). See alarms.tf.

locals {
  alarms_stores = merge({
    postgres-cpu = {
      says      = "The database has been busy for a quarter of an hour."
      queries   = { m = { metric = "AWS/RDS/CPUUtilization", dimensions = local.writer, stat = "Average" } }
      threshold = 85
      of        = 3
    }
    postgres-acu = {
      says      = "The database is near the most capacity it may take."
      queries   = { m = { metric = "AWS/RDS/ACUUtilization", dimensions = local.writer, stat = "Average" } }
      threshold = 90
      of        = 3
    }
    postgres-connections = {
      # A process keeps up to 20 connections; this is what all tasks at their most, and half of them again, would take.
      says      = "More connections to the database than all tasks together should need."
      queries   = { m = { metric = "AWS/RDS/DatabaseConnections", dimensions = local.writer, stat = "Maximum" } }
      threshold = ceil(1.5 * 20 * (var.web.max * var.web.processes + var.worker.max * 4 + 1))
      of        = 2
    }
    redis-cpu = {
      says       = "Redis, which has one thread for commands, is busy."
      queries    = { for i, node in local.nodes : "m${i}" => { metric = "AWS/ElastiCache/EngineCPUUtilization", dimensions = node, stat = "Average" } }
      expression = "MAX([${join(",", [for i, node in local.nodes : "m${i}"])}])"
      threshold  = 80
      of         = 3
    }
    redis-memory = {
      says       = "Redis is nearly full. It evicts nothing, so it would refuse new jobs."
      queries    = { for i, node in local.nodes : "m${i}" => { metric = "AWS/ElastiCache/DatabaseMemoryUsagePercentage", dimensions = node, stat = "Maximum" } }
      expression = "MAX([${join(",", [for i, node in local.nodes : "m${i}"])}])"
      threshold  = 75
      of         = 2
    }
    redis-evictions = {
      says       = "Redis threw something away, which its parameters forbid."
      queries    = { for i, node in local.nodes : "m${i}" => { metric = "AWS/ElastiCache/Evictions", dimensions = node, stat = "Sum" } }
      expression = "SUM([${join(",", [for i, node in local.nodes : "m${i}"])}])"
      threshold  = 0
    }
    efs-io = {
      says      = "The shared file system works at its limit."
      queries   = { m = { metric = "AWS/EFS/PercentIOLimit", dimensions = { FileSystemId = aws_efs_file_system.shared.id }, stat = "Maximum" } }
      threshold = 90
      of        = 3
    }
    upload-events-dlq = {
      says      = "Notices of uploads could not be worked on and were put aside."
      queries   = { m = { metric = "AWS/SQS/ApproximateNumberOfMessagesVisible", dimensions = { QueueName = aws_sqs_queue.upload_events_dlq.name }, stat = "Maximum" } }
      threshold = 0
    }
    }, var.database.instances < 2 ? {} : {
    postgres-replica-lag = {
      says      = "The database's reader is more than a second behind: a failover would take longer."
      queries   = { m = { metric = "AWS/RDS/AuroraReplicaLag", dimensions = local.reader, stat = "Maximum" } } # milliseconds
      threshold = 1000
      of        = 3
    }
  })

  # One node prints them once a minute; between two releases of the scheduler a few are left out.
  alarms_portal = {
    queue-metrics-absent = {
      says       = "The scheduler has printed no metrics for ten minutes: nobody rings for work, tests the storage, or would tell of anything else here."
      queries    = { m = { metric = "Diagport/diagport_gate_open", dimensions = local.portal, stat = "SampleCount" } }
      comparison = "LessThanThreshold"
      threshold  = 1
      of         = 2
      missing    = "breaching"
    }
    queue-oldest-job = {
      says      = "An upload has waited for its verdict for half an hour."
      queries   = { m = { metric = "Diagport/diagport_oldest_waiting_seconds", dimensions = merge(local.portal, { "for" = "verdict" }), stat = "Maximum" } }
      threshold = 1800
    }
    queue-failed-jobs = {
      says = "Jobs have failed and are kept for somebody to look at."
      queries = {
        for i, queue in ["scan", "scan-large", "deliver"] :
        "m${i}" => { metric = "Diagport/diagport_failed_jobs", dimensions = merge(local.portal, { queue = queue }), stat = "Maximum" }
      }
      expression = "SUM([m0,m1,m2])"
      threshold  = 0
      of         = 2
    }
    gate-closed = {
      says       = "A test of the virus scanner failed: uploads are taken, and none becomes ready."
      queries    = { m = { metric = "Diagport/diagport_gate_open", dimensions = local.portal, stat = "Maximum" } }
      comparison = "LessThanThreshold"
      threshold  = 1
      of         = 2
    }
    signatures-stale = {
      says      = "The scanner's signatures are older than two days; at seven nothing becomes ready any more."
      queries   = { m = { metric = "Diagport/diagport_signatures_age_seconds", dimensions = local.portal, stat = "Maximum" } }
      threshold = 172800
    }
    infected-upload = {
      says       = "A virus was found in an upload. It is held back; its sender and support have been told."
      queries    = { m = { metric = "Diagport/diagport_verdicts_total", dimensions = merge(local.portal, { verdict = "infected" }), stat = "Maximum" } }
      expression = "DIFF(m)"
      threshold  = 0
    }
    stored-bytes-changed = {
      says       = "A stored bundle is not what was scanned. It is no longer served."
      queries    = { m = { metric = "Diagport/diagport_uploads_total", dimensions = merge(local.portal, { outcome = "integrity_failed" }), stat = "Maximum" } }
      expression = "DIFF(m)"
      threshold  = 0
    }
    dead-letters = {
      says      = "Messages were given up: somebody was not told."
      queries   = { m = { metric = "Diagport/diagport_dead_letters", dimensions = local.portal, stat = "Maximum" } }
      threshold = 0
    }
    app-errors = {
      says = "The portal logged errors."
      queries = {
        for i, log in ["web", "worker", "scheduler"] :
        "m${i}" => { metric = "${aws_cloudwatch_log_metric_filter.errors[log].metric_transformation[0].namespace}/errors_${log}", dimensions = {}, stat = "Sum" }
      }
      expression = "SUM([m0,m1,m2])"
      threshold  = 5
    }
  }
}
