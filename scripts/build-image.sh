#!/usr/bin/env bash
# Builds one image with SBOM and provenance, scans it, and pushes what was scanned. Both pipelines call this.
#
#   build-image.sh app|clamav COMMIT                     builds and scans
#   build-image.sh app|clamav COMMIT REGISTRY/PROJECT    and pushes REGISTRY/PROJECT/NAME:COMMIT
#
# Needs docker with buildx; to push, also skopeo and the aws command with credentials of the push role.
# Fails for a critical vulnerability that has a fix. A tag that is there is left alone: tags never move.
# REBUILD=1 takes nothing from the cache. SOURCE is the repository's address, for the image's label.
set -euo pipefail
cd "$(dirname "$0")/.."

# Pinned by digest; where these were compared: docs/deploy/pipelines.md.
buildkit=docker.io/moby/buildkit:v0.27.1@sha256:1e110c71d389d6d24f67b9438e2f7b8da749a6ff407b22a1631e025c95599368
sbom=docker.io/docker/buildkit-syft-scanner:1.12.0@sha256:ae4f3b554449e7e25548e7d8ccc029d17357348e30c6e3df01b92bc93654d6a9
grype=docker.io/anchore/grype:v0.117.0@sha256:ddf9e9f204049f3a4a0955ef70873cabab6a31432125ad4f20a490b54950a253
builder=diagport

say() { printf 'build: %s\n' "$*" >&2; }

name=${1:-} commit=${2:-} target=${3:-}
case $name in
    app) context=. ;;
    clamav) context=docker/clamav ;;
    *) sed -n '4,5s/^# *//p' "$0" >&2; exit 2 ;;
esac
[[ $commit =~ ^[0-9a-f]{40}$ ]] || { say "COMMIT must be 40 hexadecimal digits"; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$target" ]; then
    image=$target/$name:$commit
    registry=${target%%/*}
    region=$(printf %s "$registry" | cut -d . -f 4)
    aws ecr get-login-password --region "$region" |
        skopeo login --username AWS --password-stdin --authfile "$work/auth.json" "$registry"
    if skopeo inspect --authfile "$work/auth.json" --raw "docker://$image" >/dev/null 2>"$work/absent"; then
        say "$image is there already: it was scanned before it was pushed"
        exit 0
    elif ! grep -qi 'manifest unknown' "$work/absent"; then
        cat "$work/absent" >&2 # it could not be asked, or knows no such repository, which is not the same as absent
        exit 1
    fi
fi

docker buildx inspect "$builder" >/dev/null 2>&1 ||
    docker buildx create --name "$builder" --driver docker-container --driver-opt "image=$buildkit" >/dev/null

build() {
    docker buildx build --builder "$builder" --progress plain --platform linux/amd64 \
        --build-arg "REVISION=$commit" --build-arg "SOURCE=${SOURCE:-unknown}" "$@" "$context"
}

fresh=()
[ -z "${REBUILD:-}" ] || fresh=(--no-cache)
[ "$name" != app ] || build "${fresh[@]}" --target test --output type=cacheonly
[ "$name" = app ] && fresh=() # built a moment ago
build "${fresh[@]}" --attest "type=sbom,generator=$sbom" --attest type=provenance,mode=max \
    --output "type=oci,dest=$work/image.oci.tar"
# The scanner reads plain archives: the same layers out of the cache, which is compared and not only hoped.
build --provenance=false --sbom=false --output "type=docker,dest=$work/image.docker.tar"
layers() { skopeo inspect --config "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["rootfs"]["diff_ids"])'; }
scanned=$(layers "docker-archive:$work/image.docker.tar")
[ "$scanned" = "$(layers "oci-archive:$work/image.oci.tar")" ] || { say "what was scanned is not what was built"; exit 1; }

say "scanning $name"
docker run --rm --volume "$work/image.docker.tar:/image.tar:ro" "$grype" docker-archive:/image.tar \
    --only-fixed --fail-on critical

if [ -n "$target" ]; then
    skopeo copy --quiet --all --authfile "$work/auth.json" "oci-archive:$work/image.oci.tar" "docker://$image"
    say "pushed $image"
fi
