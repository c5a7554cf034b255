# Stand-ins for what only AWS knows. The provider's own validators run over them, so they have the right shape.

mock_data "aws_iam_policy_document" {
  defaults = {
    json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "222222222222"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_route53_zone" {
  defaults = {
    zone_id = "Z0000000000000000000"
  }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    arn = "arn:aws:rds:eu-west-1:222222222222:cluster:diagport"
    master_user_secret = [{
      secret_arn    = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:rds-owner"
      kms_key_id    = "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000000"
      secret_status = "active"
    }]
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
    domain_validation_options = [{
      domain_name           = "upload.stage.example.com"
      resource_record_name  = "_x.upload.stage.example.com"
      resource_record_type  = "CNAME"
      resource_record_value = "_y.acm-validations.aws"
    }]
  }
}

mock_resource "aws_acm_certificate_validation" {
  defaults = {
    certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::222222222222:role/mocked"
  }
}

mock_resource "aws_iam_policy" {
  defaults = {
    arn = "arn:aws:iam::222222222222:policy/mocked"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn = "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-west-1:222222222222:mocked"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-west-1:222222222222:mocked"
    url = "https://sqs.eu-west-1.amazonaws.com/222222222222/mocked"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::mocked"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-1:222222222222:log-group:mocked"
  }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:mocked"
  }
}

mock_resource "aws_ssm_parameter" {
  defaults = {
    arn = "arn:aws:ssm:eu-west-1:222222222222:parameter/mocked"
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:222222222222:loadbalancer/app/mocked/0000000000000000"
    arn_suffix = "app/mocked/0000000000000000"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/mocked/0000000000000000"
    arn_suffix = "targetgroup/mocked/0000000000000000"
  }
}

mock_resource "aws_lb_listener" {
  defaults = {
    arn = "arn:aws:elasticloadbalancing:eu-west-1:222222222222:listener/app/mocked/0000000000000000/0000000000000000"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:eu-west-1:222222222222:regional/webacl/mocked/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_ecs_cluster" {
  defaults = {
    arn = "arn:aws:ecs:eu-west-1:222222222222:cluster/mocked"
  }
}

mock_resource "aws_ecs_task_definition" {
  defaults = {
    arn = "arn:aws:ecs:eu-west-1:222222222222:task-definition/mocked:1"
  }
}

mock_resource "aws_efs_file_system" {
  defaults = {
    arn = "arn:aws:elasticfilesystem:eu-west-1:222222222222:file-system/fs-00000000000000000"
  }
}

mock_resource "aws_efs_access_point" {
  defaults = {
    arn = "arn:aws:elasticfilesystem:eu-west-1:222222222222:access-point/fsap-00000000000000000"
  }
}

mock_resource "aws_backup_vault" {
  defaults = {
    arn = "arn:aws:backup:eu-west-1:222222222222:backup-vault:mocked"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn = "arn:aws:cloudfront::222222222222:distribution/E0000000000000"
  }
}
