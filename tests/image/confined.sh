#!/bin/sh
# confined.sh PROGRAM-DIRECTORY WRITABLE... -- COMMAND...: as a container would run it.
#
# The program lies at /srv; nothing can be written but below WRITABLE, and what is in memory (/dev); the
# user is 10001, without a home. It keeps the right to walk through closed directories, for that is where
# the tests' services and this machine's Python lie. Needs a mount namespace of its own (unshare --mount).
set -eu

program=$1
shift
while [ "$1" != -- ]; do
    mount --bind "$1" "$1"
    chown 10001:10001 "$1"
    kept="${kept:-} $1 "
    shift
done
shift
mount --bind "$program" /srv
while read -r _ place _; do
    case $place in /dev | /dev/* | /proc | /proc/* | /sys | /sys/*) continue ;; esac
    case ${kept:-} in *" $place "*) continue ;; esac
    mount -o remount,bind,ro "$place"
done </proc/mounts
cd /srv
exec env -u HOME -u PYTHONPATH setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
    --inh-caps -all,+dac_override --ambient-caps +dac_override --bounding-set -all,+dac_override -- "$@"
