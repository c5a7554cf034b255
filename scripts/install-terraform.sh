#!/usr/bin/env bash
# Puts Terraform into DIRECTORY, unless this version is there: the one that the code was checked with.
# Usage: install-terraform.sh DIRECTORY
set -euo pipefail

version=1.11.4
# As published in terraform_1.11.4_SHA256SUMS, and pinned alike by other people's packages; see docs/deploy/pipelines.md.
sha256=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc

directory=${1:?directory}
mkdir -p "$directory"
[ ! -x "$directory/terraform" ] || ! "$directory/terraform" version | grep -qx "Terraform v$version" || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=terraform_${version}_linux_amd64.zip
curl --fail --silent --show-error --location --retry 3 --proto =https \
    --output "$work/$archive" "https://releases.hashicorp.com/terraform/$version/$archive"
echo "$sha256  $work/$archive" | sha256sum --check --quiet
python3 -m zipfile -e "$work/$archive" "$work/out"
install -m 755 "$work/out/terraform" "$directory/terraform"
