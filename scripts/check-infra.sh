#!/usr/bin/env bash
# Checks terraform/ as far as that goes without an account. Works on copies; leaves nothing in the tree.
#
# INFRA_STAND_IN=1 says that the providers are stand-ins that hold no account: then every environment is also
# planned from nothing, applied for pretence, and planned again; plans, policies and state are looked through.
# Without it the providers are the real ones, which plan nothing without an account.
# TF_CLI_CONFIG_FILE says where providers come from, as Terraform itself understands it.
# shellcheck disable=SC2329  # `quietly` calls what it is given
set -euo pipefail
cd "$(dirname "$0")/.."

environments="dev stage prod"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1 TF_CLI_ARGS_init=-no-color TF_CLI_ARGS_validate=-no-color
# A path that leads nowhere would only be warned of, again and again.
[ -r "${TF_CLI_CONFIG_FILE:-/}" ] || unset TF_CLI_CONFIG_FILE

if ! command -v terraform >/dev/null; then
    scripts/install-terraform.sh .local/terraform
    PATH="$PWD/.local/terraform:$PATH"
fi

# quietly WHAT COMMAND...: says that WHAT holds, or shows what COMMAND printed and fails.
quietly() {
    local what=$1 log
    log=$(mktemp "$work/log.XXXXXX")
    shift
    if "$@" >"$log" 2>&1; then
        printf 'infra: %s\n' "$what"
    else
        printf 'infra: FAILED: %s\n' "$what"
        tail -n 200 "$log"
        return 1
    fi
}

in_root() { # DIRECTORY COMMAND...
    (cd "$1" && shift && "$@")
}

copy() { # the code alone, whatever lies beside it
    tar --create --directory=terraform --exclude=.terraform --exclude='*.tfstate*' . | tar --extract --directory="$1"
    # Stand-ins are not those whose hashes are in the lock files.
    [ -z "${INFRA_STAND_IN:-}" ] || find "$1" -name .terraform.lock.hcl -delete
}

validate() {
    in_root "$1" terraform init -backend=false && in_root "$1" terraform validate
}

plan() { # DIRECTORY ENVIRONMENT MORE...; TAG says which images
    local directory=$1 environment=$2
    shift 2
    in_root "$directory" terraform plan -no-color -input=false -detailed-exitcode \
        -var-file="envs/$environment.tfvars" -var "image_tag=${TAG:-0123abc}" "$@"
}

plan_from_nothing() {
    local status=0
    plan "$1" "$2" -out=plan || status=$?
    [ "$status" = 2 ] && in_root "$1" terraform show -json plan >"$1/plan.json"
}

plan_of_release() { # what a pipeline plans from the second release on: ids are known by then, and checks that asked
    # nothing of unknown values ask now
    local status=0
    TAG=4567def plan "$1" "$2" -var run_migrations=false -out=release || status=$?
    [ "$status" = 2 ] && in_root "$1" terraform show -json release >"$1/release.json"
}

pretend() { # migrations would really be run, by a task that is not there
    in_root "$1" terraform apply -no-color -input=false -auto-approve -var-file="envs/$2.tfvars" \
        -var image_tag=0123abc -var run_migrations=false && in_root "$1" terraform show -json >"$1/state.json"
}

look_through() { # DIRECTORY ENVIRONMENT: all that is asked of one environment
    local directory=$1 environment=$2
    printf 'terraform {\n  backend "local" {}\n}\n' >"$directory/backend_override.tf"
    quietly "$environment: init" in_root "$directory" terraform init -input=false
    quietly "$environment: plan from an empty state" plan_from_nothing "$directory" "$environment"
    quietly "$environment: nothing stateful is lost" python3 scripts/plan_guard.py "$directory/plan.json"
    quietly "$environment: checkov" python3 scripts/check_policy.py "$directory/plan.json" \
        --environment "$environment"
    quietly "$environment: pretend apply" pretend "$directory" "$environment"
    quietly "$environment: second plan is empty" plan "$directory" "$environment" -var run_migrations=false
    quietly "$environment: plan of the next release" plan_of_release "$directory" "$environment"
    quietly "$environment: nothing stateful is lost by it" python3 scripts/plan_guard.py "$directory/release.json"
    quietly "$environment: checkov on it" python3 scripts/check_policy.py "$directory/release.json" \
        --environment "$environment" --pretended
    quietly "$environment: policies" .venv-infra/bin/python scripts/check_iam.py "$directory/state.json"
    quietly "$environment: state" .venv-infra/bin/python -B terraform/tests/checks "$directory/state.json" \
        "$directory/plan.json" "$environment"
}

quietly "$(terraform version | head -n 1); fmt" terraform fmt -check -recursive terraform
mkdir "$work/root" "$work/code"
copy "$work/root"
copy "$work/code" # without the providers that `init` puts there
for root in . bootstrap shared; do
    quietly "validate $root" validate "$work/root/$root"
done
running=
background() { # COMMAND...
    "$@" &
    running="$running $!"
}

for tests in terraform/tests/*.tftest.hcl; do
    name=$(basename "$tests" .tftest.hcl)
    background quietly "terraform test: $name" in_root "$work/root" terraform test -no-color \
        -filter="tests/$name.tftest.hcl"
done
# A plan does not show all that the code says (nor the code all that a plan does): both are looked through.
background quietly "checkov, on the code" python3 scripts/check_policy.py "$work/code"
if [ "${INFRA_STAND_IN:-}" = 1 ]; then
    for environment in $environments; do
        mkdir "$work/$environment"
        copy "$work/$environment"
        background look_through "$work/$environment" "$environment"
    done
else
    echo "infra: not planned here, because these providers need an account: the pipeline's plan jobs do that"
fi
failed=0
for job in $running; do
    wait "$job" || failed=1
done
exit "$failed"
