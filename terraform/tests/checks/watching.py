"""Who is told, and what is kept of it."""

from collections.abc import Iterator

from state import State, check


@check
def logs_are_kept_and_encrypted(state: State) -> Iterator[str]:
    """Every log group: a year or more, with our key."""
    for group in state.all("aws_cloudwatch_log_group"):
        if (group["retention_in_days"] or 0) < 365 or not group["kms_key_id"]:
            yield f"{group.address}: {group['retention_in_days']} days, key {group['kms_key_id']}"


@check
def what_aws_logs_by_itself_goes_to_groups_of_ours(state: State) -> Iterator[str]:
    """Groups that AWS would make where there are none, without our key: Insights' and the database's."""
    groups = {group["name"] for group in state.all("aws_cloudwatch_log_group")}
    wanted = {f"/aws/ecs/containerinsights/{c['name']}/performance" for c in state.all("aws_ecs_cluster")}
    for cluster in state.all("aws_rds_cluster"):
        exports = cluster["enabled_cloudwatch_logs_exports"]
        wanted |= {f"/aws/rds/cluster/{cluster['cluster_identifier']}/{export}" for export in exports}
    yield from sorted(wanted - groups)
    if "aws_cloudwatch_log_group.insights" not in state.waits_for(state.one("aws_ecs_cluster", "this")):
        yield "the cluster does not wait for its group"


@check
def the_budget_counts_everything(state: State) -> Iterator[str]:
    """All that the account costs, told to the topic of alarms: no filter, which could match nothing."""
    budget = state.one("aws_budgets_budget", "monthly")
    if budget["cost_filter"]:
        yield f"only what is {budget['cost_filter']}"
    for notification in budget["notification"]:
        if notification["subscriber_sns_topic_arns"] != [state.one("aws_sns_topic", "alarms")["arn"]]:
            yield f"{notification['notification_type']} tells {notification['subscriber_sns_topic_arns']}"


@check
def alarms_reach_somebody(state: State) -> Iterator[str]:
    """At least 27 alarms, each told when it begins and when it ends, each with its section of the runbook."""
    alarms = state.all("aws_cloudwatch_metric_alarm")
    if len(alarms) < 27:
        yield f"{len(alarms)} alarms"
    for alarm in alarms:
        if not alarm["alarm_actions"] or not alarm["ok_actions"]:
            yield f"{alarm.address} tells nobody"
        if "alarms.md#" not in alarm["alarm_description"]:
            yield f"{alarm.address} does not say what to do"


@check
def topics_and_queues_are_encrypted(state: State) -> Iterator[str]:
    """With our keys, not with AWS' own, which other services could not use."""
    for topic in state.all("aws_sns_topic"):
        if not topic["kms_master_key_id"]:
            yield topic.address
    for queue in state.all("aws_sqs_queue"):
        if not queue["kms_master_key_id"]:
            yield queue.address


@check
def everything_says_whose_it_is(state: State) -> Iterator[str]:
    """Project and Environment on whatever can have tags."""
    for resource in state.resources:
        if "tags_all" in resource.values and not {"Project", "Environment"} <= set(
            resource["tags_all"] or {}
        ):
            yield resource.address
