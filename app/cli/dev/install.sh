#!/bin/sh
# Installs what `make GOAL` needs and this machine lacks; does nothing the second time.
# Usage: install.sh lint|infra|run|test|vendor; `vendor`, for the image: the front-end files alone
set -eu
cd "$(dirname "$0")/../../.."

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

missing_packages() {
    [ -x .venv/bin/python ] || [ -n "$(find_python)" ] || echo python3 python3-venv
    [ "$1" != lint ] && [ "$1" != infra ] || return 0
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    have redis-server || echo redis-server
    have clamd || echo clamav-daemon
    have freshclam || echo clamav-freshclam
    have curl || echo curl
    have node || echo nodejs
    have npm || echo npm
    [ "$1" = test ] || return 0
    have chromium || echo chromium
    have git || echo git
    have openssl || echo openssl
    have clamscan || echo clamav
    have busybox || echo busybox # the ClamAV image's shell
    have nginx || echo nginx # two web tasks stand behind it
    # What customers send with.
    have wget || echo wget
    have sos || echo sosreport
    [ -e /usr/lib/python3/dist-packages/requests ] || echo python3-requests # sos sends with it
    ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || echo libfaketime
}

install_packages() {
    # shellcheck disable=SC2046  # one word per package
    set -- $(missing_packages "$1")
    [ $# != 0 ] || return 0
    if ! have apt-get; then
        say "Missing: $*. This is not Debian or Ubuntu: please install them yourself."
        exit 1
    elif [ "$(id -u)" != 0 ] && ! have sudo; then
        say "Missing: $*. Installing them needs root: run this as root, or as a user with sudo."
        exit 1
    fi
    say "Installing $*"
    # The packages would start services of their own, which nobody here uses.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ] && printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null; then
        trap 'as_root rm -f $policy' EXIT
        trap 'exit 130' HUP INT TERM
        as_root chmod 755 $policy
    fi
    apt="as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
    $apt update
    $apt install -y --no-install-recommends "$@" >/dev/null
}

install_python_packages() { # ENVIRONMENT REQUIREMENTS...
    venv=$1
    shift
    # The scripts of a virtual environment name its place, so it cannot move.
    wanted="$PWD $(cat "$@" | sha256sum)"
    found=$(cat "$venv/.installed" 2>/dev/null || :)
    [ "$found" != "$wanted" ] || return 0
    say "Installing Python packages into $venv"
    case $found in
        "$PWD "*) ;;
        *)
            python=$(find_python)
            [ -n "$python" ] || { say "Python 3.11 or newer is needed, and not to be had here."; exit 1; }
            "$python" -m venv --clear "$venv"
            ;;
    esac
    for file; do
        set -- "$@" -r "$file"
        shift
    done
    "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes "$@"
    printf '%s\n' "$wanted" >"$venv/.installed"
}

install_browser_files() {
    vendor=static/vendor
    wanted=$(cat package-lock.json "app/cli/dev/install.sh" | sha256sum)
    [ ! -d node_modules ] || [ "$(cat $vendor/.installed 2>/dev/null || :)" != "$wanted" ] || return 0
    say "Installing npm packages"
    npm ci "$@" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
    mkdir -p $vendor/tabler $vendor/htmx $vendor/tus
    # Tabler ships no licence file; the files' first lines carry it.
    cp node_modules/@tabler/core/dist/css/tabler.min.css node_modules/@tabler/core/dist/js/tabler.min.js $vendor/tabler/
    cp node_modules/htmx.org/dist/htmx.min.js node_modules/htmx.org/LICENSE $vendor/htmx/
    cp node_modules/tus-js-client/dist/tus.min.js node_modules/tus-js-client/LICENSE $vendor/tus/
    printf '%s\n' "$wanted" >$vendor/.installed
}

if [ "$1" = vendor ]; then
    install_browser_files --omit=dev
    exit 0
fi
install_packages "$1"
if [ "$1" = infra ]; then
    install_python_packages .venv-infra requirements-infra.txt
    exit 0
fi
install_python_packages .venv requirements.txt requirements-dev.txt
[ "$1" = lint ] || install_browser_files
