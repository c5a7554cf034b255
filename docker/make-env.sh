#!/bin/sh
# Writes .env for docker-compose.yml, with secrets of this installation's own. Keeps one that is there.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
    echo '.env is there already, and stays as it is.' >&2
    exit 0
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

umask 077
cat >.env.new <<END
# What docker-compose.yml needs. Keep a copy of DIAGPORT_SECRET_KEY: what it encrypted, no other key reads.
DIAGPORT_SECRET_KEY=$(random)
DIAGPORT_DATABASE_PASSWORD=$(random)
OWNER_PASSWORD=$(random)
POSTGRES_PASSWORD=$(random)
REDIS_PASSWORD=$(random)
END
mv .env.new .env
echo 'Wrote .env. Next: docker compose up --build --wait' >&2
