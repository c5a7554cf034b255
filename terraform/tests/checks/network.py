"""What can be reached from where."""

from collections.abc import Iterator

from state import State, check

_EVERYBODY = {"0.0.0.0/0", "::/0"}


@check
def only_the_load_balancer_is_open(state: State) -> Iterator[str]:
    """Nothing but ports 80 and 443 of the load balancer takes connections from everywhere."""
    for rule in state.all("aws_vpc_security_group_ingress_rule"):
        if {rule["cidr_ipv4"], rule["cidr_ipv6"]} & _EVERYBODY:
            ports = {rule["from_port"], rule["to_port"]}
            ours = "aws_security_group.alb" in state.refers(rule, "security_group_id")
            if not (ours and ports <= {80, 443}):
                yield f"{rule.address} is open to everybody"
    for group in state.all("aws_security_group"):
        if state.writes(group, "ingress") or state.writes(group, "egress"):
            yield f"{group.address} has rules inside it; they stand by themselves here"


@check
def nobody_logs_in_by_shell_or_desktop(state: State) -> Iterator[str]:
    """No rule has port 22 or 3389 in its range."""
    for rule in state.all("aws_vpc_security_group_ingress_rule"):
        first, last = rule["from_port"], rule["to_port"]
        if first is None or any(first <= port <= last for port in (22, 3389)):
            yield f"{rule.address}: {first}-{last}"


@check
def nothing_leaves_by_every_port(state: State) -> Iterator[str]:
    """Tasks reach the outside by 443 and 587 only; stores reach nothing."""
    for rule in state.all("aws_vpc_security_group_egress_rule"):
        if {rule["cidr_ipv4"], rule["cidr_ipv6"]} & _EVERYBODY and rule["from_port"] not in {443, 587}:
            yield f"{rule.address}: port {rule['from_port']}"


@check
def plain_http_only_redirects(state: State) -> Iterator[str]:
    """Port 80 answers 301 to https; 443 speaks TLS 1.3 and knows no host but ours."""
    listeners = {listener["port"]: listener for listener in state.all("aws_lb_listener")}
    redirect = listeners[80].block("default_action")
    if redirect["type"] != "redirect" or redirect["redirect"][0]["status_code"] != "HTTP_301":
        yield "port 80 does more than redirect"
    https = listeners[443]
    if "TLS13" not in (https["ssl_policy"] or "") or not https["certificate_arn"]:
        yield f"port 443: {https['ssl_policy']}, certificate {https['certificate_arn']}"
    action = https.block("default_action")
    if action["type"] != "fixed-response" or action["fixed_response"][0]["status_code"] != "404":
        yield "port 443 forwards whatever host is asked for"


@check
def load_balancer_is_strict(state: State) -> Iterator[str]:
    """Malformed headers are dropped, requests are not smuggled, logs are kept."""
    alb = state.one("aws_lb", "portal")
    if not alb["drop_invalid_header_fields"] or alb["desync_mitigation_mode"] != "defensive":
        yield "headers"
    for logs in ("access_logs", "connection_logs"):
        if not alb.block(logs).get("enabled"):
            yield f"{logs} are off"


@check
def times_are_in_order(state: State) -> Iterator[str]:
    """gunicorn outlasts the load balancer's idle connections; draining fits into what ECS waits."""
    idle = state.one("aws_lb", "portal")["idle_timeout"]
    drain = int(state.one("aws_lb_target_group", "web")["deregistration_delay"])
    for task, container in state.containers():
        given = {e["name"]: e["value"] for e in container.get("environment", [])}
        stop = container.get("stopTimeout", 30)
        if stop > 120:
            yield f"{task.address}: stopTimeout {stop}"
        if container["name"] == "web":
            if int(given["DIAGPORT_KEEPALIVE"]) <= idle:
                yield f"keep-alive {given['DIAGPORT_KEEPALIVE']} is not more than {idle}"
            if drain > stop:
                yield f"draining takes {drain} s, and ECS kills after {stop}"


@check
def data_subnets_have_no_way_out(state: State) -> Iterator[str]:
    """The data subnets' routes lead nowhere; stores lie in them, tasks in the app subnets."""
    for table in state.all("aws_route_table", "data"):
        if state.writes(table, "route"):
            yield f"{table.address} has routes"
    for route in state.all("aws_route"):
        if "aws_route_table.data" in state.refers(route, "route_table_id"):
            yield f"{route.address} leads out of the data subnets"
    for group in (*state.all("aws_db_subnet_group"), *state.all("aws_elasticache_subnet_group")):
        if state.refers(group, "subnet_ids") != {"local.data_subnet_ids"}:
            yield f"{group.address} is not in the data subnets"


@check
def tasks_are_private(state: State) -> Iterator[str]:
    """No task has a public address; all are in the app subnets."""
    for service in state.all("aws_ecs_service"):
        network = service.block("network_configuration")
        inside = "local.app_subnet_ids" in state.refers(service, "network_configuration")
        if network.get("assign_public_ip") or not inside:
            yield service.address
    for subnet in state.all("aws_subnet"):
        if subnet["map_public_ip_on_launch"]:
            yield f"{subnet.address} gives out public addresses"


@check
def traffic_is_recorded(state: State) -> Iterator[str]:
    """Flow logs of everything, and an empty default security group."""
    if [flow["traffic_type"] for flow in state.all("aws_flow_log")] != ["ALL"]:
        yield "flow logs"
    for group in state.all("aws_default_security_group"):
        if state.writes(group, "ingress") or state.writes(group, "egress"):
            yield f"{group.address} has rules"


@check
def production_survives_a_zone(state: State) -> Iterator[str]:
    """Production: NAT in two zones or more, two databases, Redis with a replica, two web tasks."""
    if not state.production:
        return
    if len(state.all("aws_nat_gateway")) < 2:
        yield "one NAT gateway"
    if len(state.all("aws_rds_cluster_instance")) < 2:
        yield "one database instance"
    redis = state.one("aws_elasticache_replication_group", "portal")
    if not (
        redis["multi_az_enabled"] and redis["automatic_failover_enabled"] and redis["num_cache_clusters"] >= 2
    ):
        yield "Redis has no replica"
    if state.one("aws_appautoscaling_target", "web")["min_capacity"] < 2:
        yield "one web task"
