# Every alarm as data. The name of each is its section in docs/operations/alarms.md, which its description links to.
# `queries`: id -> where, what, which; `expression` puts several together, and without one the only query counts.
# Periods are seconds; an alarm rings when `of` out of `out_of` periods are on the wrong side of `threshold`.

locals {
  portal = { environment = var.environment, service = "diagport" } # dimensions of the portal's own metrics
  alb    = { LoadBalancer = aws_lb.portal.arn_suffix }
  target = { LoadBalancer = aws_lb.portal.arn_suffix, TargetGroup = aws_lb_target_group.web.arn_suffix }
  writer = { DBClusterIdentifier = aws_rds_cluster.portal.cluster_identifier, Role = "WRITER" }
  reader = { DBClusterIdentifier = aws_rds_cluster.portal.cluster_identifier, Role = "READER" }
  nodes  = [for i in range(var.redis.nodes) : { CacheClusterId = "${aws_elasticache_replication_group.portal.id}-${format("%03d", i + 1)}" }]
  service = {
    web    = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.web.name }
    worker = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.worker.name }
  }

  alarms = merge(local.alarms_web, local.alarms_stores, local.alarms_portal)
}

locals {
  alarms_web = {
    alb-5xx = {
      says      = "The load balancer itself answered with errors: no web task took the request."
      queries   = { m = { metric = "AWS/ApplicationELB/HTTPCode_ELB_5XX_Count", dimensions = local.alb, stat = "Sum" } }
      threshold = 5
    }
    web-5xx = {
      says      = "Web tasks answered with errors of their own."
      queries   = { m = { metric = "AWS/ApplicationELB/HTTPCode_Target_5XX_Count", dimensions = local.target, stat = "Sum" } }
      threshold = 10
    }
    web-4xx = {
      says = "More than half of all requests are refused: a broken sender, or somebody who tries doors."
      queries = {
        refused = { metric = "AWS/ApplicationELB/HTTPCode_Target_4XX_Count", dimensions = local.target, stat = "Sum" }
        all     = { metric = "AWS/ApplicationELB/RequestCount", dimensions = local.target, stat = "Sum" }
      }
      expression = "IF(all > 200, 100 * refused / all, 0)"
      threshold  = 50
      of         = 3
    }
    web-latency-p95 = {
      # An upload's answer comes when its body has: seconds are normal there, so this looks at a quarter of an hour.
      says      = "One request in twenty waits longer than five seconds for its answer."
      queries   = { m = { metric = "AWS/ApplicationELB/TargetResponseTime", dimensions = local.target, stat = "p95" } }
      threshold = 5
      of        = 3
    }
    web-unhealthy = {
      says      = "A web task does not answer /healthz."
      queries   = { m = { metric = "AWS/ApplicationELB/UnHealthyHostCount", dimensions = local.target, stat = "Maximum", period = 60 } }
      threshold = 0
      of        = 5
    }
    web-none-healthy = {
      says       = "No web task answers: the portal is away."
      queries    = { m = { metric = "AWS/ApplicationELB/HealthyHostCount", dimensions = local.target, stat = "Maximum", period = 60 } }
      comparison = "LessThanThreshold"
      threshold  = 1
      of         = 2
      missing    = "breaching" # a target group without targets says nothing at all
    }
    web-cpu = {
      says      = "Web tasks are busy although there are as many as there may be."
      queries   = { m = { metric = "AWS/ECS/CPUUtilization", dimensions = local.service.web, stat = "Average" } }
      threshold = 85
      of        = 3
    }
    web-memory = {
      says      = "Web tasks are nearly out of memory."
      queries   = { m = { metric = "AWS/ECS/MemoryUtilization", dimensions = local.service.web, stat = "Maximum" } }
      threshold = 90
      of        = 3
    }
    worker-cpu = {
      # A scan takes all there is, which is what the task is for; two hours of it mean that more tasks are wanted.
      says      = "Worker tasks have been fully busy for two hours."
      queries   = { m = { metric = "AWS/ECS/CPUUtilization", dimensions = local.service.worker, stat = "Average", period = 900 } }
      threshold = 95
      of        = 8
    }
    worker-memory = {
      says      = "Worker tasks are nearly out of memory; clamd needs twice its signatures while it loads new ones."
      queries   = { m = { metric = "AWS/ECS/MemoryUtilization", dimensions = local.service.worker, stat = "Maximum" } }
      threshold = 92
      of        = 3
    }
    waf-blocked = {
      says      = "The firewall refused a thousand requests in five minutes."
      queries   = { m = { metric = "AWS/WAFV2/BlockedRequests", dimensions = { WebACL = aws_wafv2_web_acl.portal.name, Region = var.region, Rule = "ALL" }, stat = "Sum" } }
      threshold = 1000
    }
    certificate-expiry = {
      says       = "The certificate ends in less than three weeks: it was not renewed."
      queries    = { m = { metric = "AWS/CertificateManager/DaysToExpiry", dimensions = { CertificateArn = aws_acm_certificate.portal.arn }, stat = "Minimum", period = 86400 } }
      comparison = "LessThanThreshold"
      threshold  = 21
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.says} What to do: ${local.runbook}#${each.key}"
  comparison_operator = try(each.value.comparison, "GreaterThanThreshold")
  threshold           = each.value.threshold
  evaluation_periods  = try(each.value.out_of, each.value.of, 1)
  datapoints_to_alarm = try(each.value.of, 1)
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = each.value.queries
    content {
      id          = metric_query.key
      return_data = !can(each.value.expression)

      metric {
        namespace   = join("/", slice(split("/", metric_query.value.metric), 0, length(split("/", metric_query.value.metric)) - 1))
        metric_name = element(split("/", metric_query.value.metric), length(split("/", metric_query.value.metric)) - 1)
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = try(metric_query.value.period, 300)
      }
    }
  }

  dynamic "metric_query" {
    for_each = try([each.value.expression], [])
    content {
      id          = "result"
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }
}
