#!/bin/sh
# Writes .env for docker-compose.yml, with secrets of this installation's own. Keeps one that is there, and
# adds to it what only this script can know: the hash of its Redis password.
set -eu
cd "$(dirname "$0")/.."

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
hash() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64; }
# Redis is told who may come in by this: others see what it is told, and nobody can undo a hash.
redis_hash() { sed -n 's/^REDIS_PASSWORD=//p' "$1" | tr -d '\n' | hash; }

umask 077
if [ -e .env ]; then
    if ! grep -q '^REDIS_PASSWORD_SHA256=' .env; then
        [ -z "$(tail -c 1 .env)" ] || echo >>.env
        echo "REDIS_PASSWORD_SHA256=$(redis_hash .env)" >>.env
        echo 'Added REDIS_PASSWORD_SHA256 to .env.' >&2
    else
        echo '.env is there already, and stays as it is.' >&2
    fi
    exit 0
fi

cat >.env.new <<END_OF_FILE
# What docker-compose.yml needs. Keep a copy of DIAGPORT_SECRET_KEY: what it encrypted, no other key reads.
DIAGPORT_SECRET_KEY=$(random)
DIAGPORT_DATABASE_PASSWORD=$(random)
OWNER_PASSWORD=$(random)
POSTGRES_PASSWORD=$(random)
# For another: change it, remove the line below it, and run docker/make-env.sh.
REDIS_PASSWORD=$(random)
END_OF_FILE
echo "REDIS_PASSWORD_SHA256=$(redis_hash .env.new)" >>.env.new
mv .env.new .env
echo 'Wrote .env. Next: docker compose up --build --wait' >&2
