# One page: the alarms, twelve graphs from the door inwards, and the newest errors. 24 columns wide.

locals {
  graphs = [
    {
      title = "Requests and refusals"
      stat  = "Sum"
      lines = [
        ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", aws_lb.portal.arn_suffix],
        [".", "HTTPCode_Target_4XX_Count", ".", "."],
        [".", "HTTPCode_Target_5XX_Count", ".", "."],
        [".", "HTTPCode_ELB_5XX_Count", ".", "."],
      ]
    },
    {
      title = "Seconds until an answer"
      stat  = "p95"
      lines = [
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", aws_lb.portal.arn_suffix],
        ["...", { stat = "p50" }],
      ]
    },
    {
      title = "Web tasks that answer"
      stat  = "Maximum"
      lines = [
        ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", aws_lb_target_group.web.arn_suffix, "LoadBalancer", aws_lb.portal.arn_suffix],
        [".", "UnHealthyHostCount", ".", ".", ".", "."],
      ]
    },
    {
      title = "Processor, percent"
      stat  = "Average"
      lines = [for service in [aws_ecs_service.web.name, aws_ecs_service.worker.name] : ["AWS/ECS", "CPUUtilization", "ClusterName", aws_ecs_cluster.this.name, "ServiceName", service]]
    },
    {
      title = "Memory, percent"
      stat  = "Maximum"
      lines = [for service in [aws_ecs_service.web.name, aws_ecs_service.worker.name] : ["AWS/ECS", "MemoryUtilization", "ClusterName", aws_ecs_cluster.this.name, "ServiceName", service]]
    },
    {
      title = "Tasks"
      stat  = "Average"
      lines = [for service in [aws_ecs_service.web.name, aws_ecs_service.worker.name, aws_ecs_service.scheduler.name] : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", aws_ecs_cluster.this.name, "ServiceName", service]]
    },
    {
      title = "What waits"
      stat  = "Maximum"
      lines = [for what in ["verdict", "spreading", "delivery"] : ["Diagport", "diagport_waiting", "environment", var.environment, "service", "diagport", "for", what]]
    },
    {
      title = "Seconds that the oldest has waited"
      stat  = "Maximum"
      lines = [for what in ["verdict", "spreading", "delivery"] : ["Diagport", "diagport_oldest_waiting_seconds", "environment", var.environment, "service", "diagport", "for", what]]
    },
    {
      title = "Verdicts since the beginning"
      stat  = "Maximum"
      lines = [for verdict in ["clean", "infected", "unscannable"] : ["Diagport", "diagport_verdicts_total", "environment", var.environment, "service", "diagport", "verdict", verdict]]
    },
    {
      title = "Gate, and age of the signatures in seconds"
      stat  = "Maximum"
      lines = [
        ["Diagport", "diagport_signatures_age_seconds", "environment", var.environment, "service", "diagport"],
        [".", "diagport_gate_open", ".", ".", ".", ".", { yAxis = "right" }],
      ]
    },
    {
      title = "Database: capacity and connections"
      stat  = "Maximum"
      lines = [
        ["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", aws_rds_cluster.portal.cluster_identifier],
        [".", "DatabaseConnections", ".", ".", { yAxis = "right" }],
      ]
    },
    {
      title = "Redis: memory, percent"
      stat  = "Maximum"
      lines = [for node in local.nodes : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node.CacheClusterId]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "portal" {
  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm"
        x          = 0
        y          = 0
        width      = 24
        height     = 4
        properties = { title = "Alarms", alarms = [for name in sort(keys(local.alarms)) : aws_cloudwatch_metric_alarm.this[name].arn] }
      }],
      [for i, graph in local.graphs : {
        type   = "metric"
        x      = 8 * (i % 3)
        y      = 4 + 6 * floor(i / 3)
        width  = 8
        height = 6
        properties = {
          title   = graph.title
          region  = var.region
          stat    = graph.stat
          period  = 300
          view    = "timeSeries"
          metrics = graph.lines
        }
      }],
      [{
        type   = "log"
        x      = 0
        y      = 28
        width  = 24
        height = 6
        properties = {
          title  = "Newest errors"
          region = var.region
          view   = "table"
          query = join(" | ", concat(
            [for service in ["web", "worker", "scheduler"] : "SOURCE '${aws_cloudwatch_log_group.ecs[service].name}'"],
            ["filter level = \"error\" or level = \"critical\"", "fields @timestamp, event, request_id, job_id, @logStream", "sort @timestamp desc", "limit 50"],
          ))
        }
      }],
    )
  })
}
