#!/usr/bin/env bash
# Trades a pipeline's own token (OpenID Connect) for credentials of a role; prints them as
# `export` lines for a shell. For pipelines that have no step of their own for it.
#
#   WEB_IDENTITY_TOKEN=... assume-role.sh ROLE-ARN SESSION-NAME [SECONDS]
#
# They are good for an hour unless SECONDS says otherwise; the role says how long is allowed (terraform/bootstrap).
# Asks AWS's own address directly: no key is needed to ask, and none is stored.
set -euo pipefail

role=${1:?role} session=${2:?session name} seconds=${3:-3600}
: "${WEB_IDENTITY_TOKEN:?no token: is OpenID Connect on for this job?}"
# Only the characters that a session's name may have, and 64 of them.
session=$(printf %s "$session" | tr -c 'A-Za-z0-9=,.@_-' - | cut -c -64)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# From a file, so that the token is in no list of processes.
(umask 077 && printf %s "$WEB_IDENTITY_TOKEN" >"$work/token")
aws sts assume-role-with-web-identity --role-arn "$role" --role-session-name "$session" \
    --web-identity-token "file://$work/token" --duration-seconds "$seconds" --output text \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' >"$work/credentials"
read -r id key token <"$work/credentials"
: "${token:?AWS gave no credentials}"
printf 'export AWS_ACCESS_KEY_ID=%q AWS_SECRET_ACCESS_KEY=%q AWS_SESSION_TOKEN=%q\n' "$id" "$key" "$token"
