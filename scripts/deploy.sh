#!/usr/bin/env bash
# Plans and applies one environment, with the credentials that are there. Both pipelines call this.
#
#   deploy.sh plan  ENVIRONMENT TAG           prints the plan; its digest is the last line, `digest=...`
#   deploy.sh apply ENVIRONMENT TAG DIGEST    plans again, and applies it if it is the plan that was reviewed
#   deploy.sh drift ENVIRONMENT               fails if the account differs from what this code would make of it,
#                                             or if nothing was ever applied
#
# TAG is the commit that the images were built from, all 40 digits. Where it is not the commit of this code, older
# images are to run again (a rollback): then they must be in the registry, as far as these credentials may ask, and
# nothing is migrated, because old code does not know newer migrations.
# ALLOW_DESTROY names stateful resources that may be lost, by address, with spaces between.
# CHECK_POLICY=1 also looks a plan through with checkov and parliament, which are in .venv-infra then.
# SUMMARY is a file that gets the plan as Markdown.
#
# The plan is made again, not kept: a saved one holds every secret of the state, and would have to be encrypted
# with a key that somebody stores. What the digest covers is what the reviewer saw (scripts/plan_digest.py).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'deploy: %s\n' "$*" >&2; }

usage() {
    sed -n '4,7s/^# *//p' scripts/deploy.sh >&2
    exit 2
}

deed=${1:-} environment=${2:-} tag=${3:-} reviewed=${4:-}
case $environment in dev | stage | prod) ;; *) usage ;; esac
[ "$deed" = drift ] || [[ $tag =~ ^[0-9a-f]{40}$ ]] || usage
case $deed in
    drift) [ $# = 2 ] || usage ;;
    plan) [ $# = 3 ] || usage ;;
    apply) [ $# = 4 ] && [[ $reviewed =~ ^[0-9a-f]{64}$ ]] || usage ;;
    *) usage ;;
esac

work=$(mktemp -d) # the plan lies here, and nowhere else
trap 'rm -rf "$work"' EXIT
export TF_IN_AUTOMATION=1 TF_INPUT=0
# An apply of the release before may be under way. Who plans waits for it, nearly as long as credentials last.
patience=45m
[ "$deed" = plan ] || patience=10m

tf() { terraform -chdir=terraform "$@"; }

summary() { # what the plan says, folded away; GitHub takes 1 MiB at most
    [ -n "${SUMMARY:-}" ] || return 0
    {
        printf '### %s: %s\n\n<details><summary>plan of %s</summary>\n\n~~~text\n' \
            "$environment" "$(grep -E '^(Plan:|No changes)' "$work/plan.txt" || echo "no resources change")" "$tag"
        head -c 900000 "$work/plan.txt"
        printf '\n~~~\n\n</details>\n\n~~~text\n%s\n~~~\n\n' "$(cat "$work/guard.txt")"
    } >>"$SUMMARY"
}

# The images of TAG, in the account that keeps them: what is not there would never start. Asked as those who pull ask,
# which is all that other accounts may do there. The role that plans may not; pipelines ask with the push role before.
images_are_there() {
    local registry project image said
    registry=$(python3 scripts/names.py "$environment" | sed -n 's/^registry=//p')
    project=$(python3 scripts/names.py "$environment" | sed -n 's/^project=//p')
    for image in app clamav; do
        if said=$(aws ecr batch-get-image --registry-id "${registry%%.*}" --region "$(cut -d . -f 4 <<<"$registry")" \
            --repository-name "$project/$image" --image-ids "imageTag=$tag" \
            --query 'images[].imageId.imageTag' --output text 2>&1); then
            [[ $said == *"$tag"* ]] || { say "there is no image $image of $tag"; return 1; }
        elif [[ $said == *AccessDenied* ]]; then
            say "these credentials may not ask whether the image $image of $tag is there: look before you apply"
        else
            say "$said"
            return 1
        fi
    done
}

# Sets `changes` to 0 or 2, as `terraform plan -detailed-exitcode` does, and leaves plan, plan.txt and plan.json.
make_plan() { # TAG MIGRATE
    changes=0
    tf plan -no-color -lock-timeout="$patience" -detailed-exitcode -var-file="envs/$environment.tfvars" \
        -var "image_tag=$1" -var "run_migrations=$2" -out="$work/plan" || changes=$?
    [ "$changes" = 0 ] || [ "$changes" = 2 ] || exit "$changes"
    tf show -no-color "$work/plan" >"$work/plan.txt"
    tf show -json "$work/plan" >"$work/plan.json"
}

# With the providers whose checksums are kept, once they are (docs/deploy/first-deployment.md), and never with others.
locked=()
[ ! -e terraform/.terraform.lock.hcl ] || locked=(-lockfile=readonly)
tf init -no-color -reconfigure "${locked[@]}" -backend-config="envs/$environment.s3.tfbackend"
tf version -json >"$work/version.json"

if [ "$deed" = drift ]; then
    # What runs is what was released last; it is compared with this code, not with a newer image.
    tf output -json >"$work/outputs.json"
    released=$(python3 - "$work/outputs.json" <<'EOF'
import json, sys
release = json.load(open(sys.argv[1])).get("release")
print(*([release["value"]["image_tag"], str(release["value"]["run_migrations"]).lower()] if release else []))
EOF
    )
    if [ -z "$released" ]; then
        say "$environment was never applied, or its state is not where it was: there is nothing to compare"
        exit 1
    fi
    read -r tag migrate <<<"$released"
    make_plan "$tag" "$migrate"
    : >"$work/guard.txt"
    summary
    [ "$changes" = 0 ] && say "$environment is as this code says" && exit 0
    say "$environment differs from what this code says, see above"
    exit 1
fi

migrate=false
if [ "$(git rev-parse HEAD)" = "$tag" ]; then
    migrate=true
else
    say "older images: nothing is migrated"
    images_are_there
fi
make_plan "$tag" "$migrate"
allowed=0
python3 scripts/plan_guard.py "$work/plan.json" --allow "${ALLOW_DESTROY:-}" | tee "$work/guard.txt" || allowed=$?
summary
[ "$allowed" = 0 ] || exit "$allowed"
digest=$(python3 scripts/plan_digest.py "$work/plan.json" "$work/version.json")
if [ "$deed" = plan ]; then
    if [ -n "${CHECK_POLICY:-}" ]; then
        python3 scripts/check_policy.py "$work/plan.json" --environment "$environment"
        .venv-infra/bin/python scripts/check_iam.py "$work/plan.json"
    fi
    echo "digest=$digest"
    exit 0
fi
if [ "$digest" != "$reviewed" ]; then
    say "this is not the plan that was reviewed ($digest instead of $reviewed): something changed meanwhile."
    say "Start the deployment again, and look at the new plan."
    exit 1
fi
if grep -Eq '^enable_cloudfront_assets *= *true' "terraform/envs/$environment.tfvars"; then
    sh app/cli/dev/install.sh vendor # the apply sends these files along
fi
tf apply -no-color -lock-timeout=10m "$work/plan"
