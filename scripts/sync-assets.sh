#!/usr/bin/env bash
# Puts a release's static files into the bucket behind terraform/cloudfront.tf, each under <tag>/, as pages name them.
#
#   ASSETS_BUCKET=B ASSETS_TAG=<commit> sync-assets.sh
#
# They are those of static/ here, which must be that commit's, with static/vendor as the image has it
# (app/cli/dev/install.sh vendor); or those of ASSETS_FROM, such as /app/static copied out of the image.
# A file that is there is left as it is, so this is safe to repeat, and a release that is whole is not sent again.
# Region and credentials are those that the aws command (version 2) finds.
#
# | exit code | meaning |
# |---|---|
# | 0 | the release's files are all there |
# | 2 | something is missing, or a file of a kind that this script does not know |
# | 3 | these are not that release's files |
# | 1 | AWS refused; what is there already is whole, file by file |
set -euo pipefail

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

refuse() { # EXIT-CODE WORDS
    say "$2"
    exit "$1"
}

bucket=${ASSETS_BUCKET:-}
tag=${ASSETS_TAG:-}
[ -n "$bucket" ] || refuse 2 'ASSETS_BUCKET is missing'
[[ $tag =~ ^[0-9a-f]{7,40}$ ]] || refuse 2 'ASSETS_TAG must be the commit that the image was built from'
root=$(cd "$(dirname "$0")/.." && pwd)
from=${ASSETS_FROM:-$root/static}
whole=$tag/.whole # put last: who finds it finds the rest

if aws s3api head-object --bucket "$bucket" --key "$whole" >/dev/null 2>&1; then
    say "$tag is there already"
    exit 0
fi

if [ -z "${ASSETS_FROM:-}" ]; then
    commit=$(git -C "$root" rev-parse HEAD 2>/dev/null) || commit=
    [[ -n $commit && $commit == "$tag"* ]] || refuse 3 "this is ${commit:-no checkout}, not $tag"
    [ -z "$(git -C "$root" status --porcelain -- static)" ] || refuse 3 'static/ is not as it was committed'
fi
[ -e "$from/vendor/.installed" ] || refuse 2 "$from/vendor is missing: run app/cli/dev/install.sh vendor"

# What browsers are told a file is. They take a script for one only by this, so nothing is guessed.
kind_of() { # PATH
    case $1 in
        *.css) echo 'text/css; charset=utf-8' ;;
        *.js) echo 'text/javascript; charset=utf-8' ;;
        *.svg) echo 'image/svg+xml' ;;
        *.png) echo 'image/png' ;;
        *.woff2) echo 'font/woff2' ;;
        */LICENSE) echo 'text/plain; charset=utf-8' ;;
        *) return 1 ;;
    esac
}

put() { # KEY KIND [FILE]: if nothing is there
    local answer
    answer=$(aws s3api put-object --bucket "$bucket" --key "$1" --content-type "$2" ${3:+--body "$3"} \
        --cache-control 'public, max-age=31536000, immutable' --if-none-match '*' 2>&1) && return
    [[ $answer == *PreconditionFailed* ]] || refuse 1 "$1: $answer"
}

# All are looked at before one is sent. client/ is handed out by the portal itself (/diagport.py).
files=()
while IFS= read -r -d '' path; do
    kind_of "$path" >/dev/null || refuse 2 "what is $path? Nobody has said what browsers shall take it for"
    files+=("$path")
done < <(cd "$from" && find . -type f -not -name '.*' -not -path './client/*' -printf '%P\0' | sort -z)
[ ${#files[@]} -gt 0 ] || refuse 2 "$from is empty"

for path in "${files[@]}"; do
    put "$tag/$path" "$(kind_of "$path")" "$from/$path"
done
put "$whole" text/plain
say "$tag: ${#files[@]} files are there"
