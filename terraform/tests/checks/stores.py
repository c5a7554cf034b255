"""How what is kept is kept."""

from collections.abc import Iterator

from state import State, check

_PARTS = (
    "public_access_block",
    "ownership_controls",
    "versioning",
    "server_side_encryption_configuration",
    "lifecycle_configuration",
)


@check
def buckets_are_closed(state: State) -> Iterator[str]:
    """Public access blocked four times, owner enforced, versioned, encrypted; uploads with our key."""
    for bucket in state.all("aws_s3_bucket"):
        of = {
            kind: [r for r in state.all(f"aws_s3_bucket_{kind}") if r["bucket"] == bucket["id"]]
            for kind in _PARTS
        }
        for kind, found in of.items():
            if len(found) != 1:
                yield f"{bucket.address}: {len(found)} {kind}"
        if found := of["public_access_block"]:
            switches = (
                "block_public_acls",
                "block_public_policy",
                "ignore_public_acls",
                "restrict_public_buckets",
            )
            if not all(found[0][switch] for switch in switches):
                yield f"{bucket.address}: public access"
        if (found := of["versioning"]) and found[0].block("versioning_configuration")["status"] != "Enabled":
            yield f"{bucket.address}: no versions"
    uploads = state.one("aws_s3_bucket", "uploads")["id"]
    encryptions = state.all("aws_s3_bucket_server_side_encryption_configuration")
    [encryption] = [found for found in encryptions if found["bucket"] == uploads]
    if encryption.block("rule")["apply_server_side_encryption_by_default"][0]["sse_algorithm"] != "aws:kms":
        yield "uploads are not encrypted with our key"


@check
def nothing_acknowledged_expires(state: State) -> Iterator[str]:
    """No rule of the uploads bucket ends current objects; parts live longer than an upload may take."""
    uploads = state.one("aws_s3_bucket", "uploads")["id"]
    [cycle] = [r for r in state.all("aws_s3_bucket_lifecycle_configuration") if r["bucket"] == uploads]
    aborts = []
    for rule in cycle["rule"]:
        for expiration in rule.get("expiration") or []:
            if expiration.get("days") or expiration.get("date"):
                yield f"{rule['id']} ends objects after {expiration}"
        aborts += [a["days_after_initiation"] for a in rule.get("abort_incomplete_multipart_upload") or []]
    if aborts != [8]:
        yield f"unfinished parts are removed after {aborts} days, and uploads may take seven"


@check
def browsers_come_from_the_portal_alone(state: State) -> Iterator[str]:
    """CORS knows the portal's own address, and shows what completing an upload needs."""
    [cors] = state.all("aws_s3_bucket_cors_configuration")
    for rule in cors["cors_rule"]:
        if len(rule["allowed_origins"]) != 1 or not rule["allowed_origins"][0].startswith("https://upload."):
            yield f"origins {rule['allowed_origins']}"
        if not {"ETag", "x-amz-checksum-sha256"} <= set(rule["expose_headers"] or []):
            yield f"exposed {rule['expose_headers']}"


@check
def the_database_is_private_and_kept(state: State) -> Iterator[str]:
    """Encrypted, TLS forced, the password AWS' own, no public address, recovery."""
    cluster = state.one("aws_rds_cluster", "portal")
    if not (
        cluster["storage_encrypted"] and cluster["kms_key_id"] and cluster["manage_master_user_password"]
    ):
        yield "encryption or password"
    if cluster["backup_retention_period"] < (35 if state.production else 7):
        yield f"{cluster['backup_retention_period']} days of recovery"
    for instance in state.all("aws_rds_cluster_instance"):
        if instance["publicly_accessible"]:
            yield f"{instance.address} is public"
    [group] = state.all("aws_rds_cluster_parameter_group")
    if {p["name"]: p["value"] for p in group["parameter"]}.get("rds.force_ssl") != "1":
        yield "TLS is not forced"


@check
def production_is_not_removed_by_a_plan(state: State) -> Iterator[str]:
    """Production: database and load balancer refuse to be deleted, and a snapshot stays if they are."""
    if not state.production:
        return
    for protected in (state.one("aws_rds_cluster", "portal"), state.one("aws_lb", "portal")):
        if not (protected["deletion_protection"] or protected["enable_deletion_protection"]):
            yield f"{protected.address} can be deleted"
    if state.one("aws_rds_cluster", "portal")["skip_final_snapshot"]:
        yield "the database leaves no snapshot"


@check
def redis_keeps_its_jobs(state: State) -> Iterator[str]:
    """TLS required, a token, encrypted, and nothing evicted."""
    redis = state.one("aws_elasticache_replication_group", "portal")
    if not (redis["transit_encryption_enabled"] and redis["transit_encryption_mode"] == "required"):
        yield "TLS"
    if not (redis["at_rest_encryption_enabled"] and redis["auth_token"] and redis["kms_key_id"]):
        yield "encryption or token"
    if redis["auth_token_update_strategy"] != "ROTATE":  # noqa: S105
        yield "a new token would cut off who has the old one"
    [group] = state.all("aws_elasticache_parameter_group")
    if {p["name"]: p["value"] for p in group["parameter"]}.get("maxmemory-policy") != "noeviction":
        yield "jobs could be evicted"


@check
def the_file_system_is_entered_by_its_doors(state: State) -> Iterator[str]:
    """Encrypted, mounted by TLS, role and access point only, each with its own user and directory."""
    if not state.one("aws_efs_file_system", "shared")["encrypted"]:
        yield "not encrypted"
    users = {
        p.name: (p.block("posix_user")["uid"], p.block("posix_user")["gid"])
        for p in state.all("aws_efs_access_point")
    }
    if users != {"uploads": (10001, 10001), "clamav": (100, 101)}:
        yield f"access points {users}"
    for task in state.all("aws_ecs_task_definition"):
        for volume in task["volume"] or []:
            for efs in volume.get("efs_volume_configuration") or []:
                authorization = (efs.get("authorization_config") or [{}])[0]
                if efs["transit_encryption"] != "ENABLED" or authorization.get("iam") != "ENABLED":
                    yield f"{task.address}: {volume['name']} is mounted without TLS or role"
                if not authorization.get("access_point_id"):
                    yield f"{task.address}: {volume['name']} is the root directory"


@check
def backups_are_made(state: State) -> Iterator[str]:
    """Daily for 35 days, monthly for a year; locked in production."""
    rules = [rule for plan in state.all("aws_backup_plan") for rule in plan["rule"]]
    kept = {rule["lifecycle"][0]["delete_after"] for rule in rules}
    if kept != {35, 365}:
        yield f"kept for {kept} days"
    if state.production and not state.all("aws_backup_vault_lock_configuration"):
        yield "backups can be removed"
