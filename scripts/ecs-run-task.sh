#!/bin/sh
# Runs one task on Fargate, such as the migrations, and waits for its end.
#
#   ecs-run-task.sh --cluster C --task-definition T --subnets s1,s2 --security-groups g1,g2
#                   --container NAME [--time-limit SECONDS]
#
# NAME is the container whose end counts; the last lines of its log are printed. Region and credentials
# are those that the aws command (version 2) finds. The limit is 900 seconds unless told.
#
# | exit code | meaning | the task |
# |---|---|---|
# | 0 | the container ended with 0 | has ended |
# | n | the container ended with n, which the last line says | has ended |
# | 2 | wrong arguments | was not started |
# | 3 | it could not be started, or stopped before the container ran | does not run |
# | 4 | AWS no longer says how it is | may still run |
# | 124 | it took longer than the limit | is told to stop |
# | 129, 130, 143 | this script was told to stop (HUP, INT, TERM) | goes on |
#
# A container may end with 2, 3, 4 or 124 too: only the last line tells. Starting is safe to repeat, for it
# carries a token of this run (RunTask, clientToken).
set -u

interval=${ECS_RUN_TASK_INTERVAL:-5} # seconds between two looks
patience=6                           # looks in a row that AWS may fail to answer
lines=100                            # of the log
cluster='' definition='' subnets='' groups='' container='' limit=900 task='' sleeper=''

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

usage() {
    say "$1"
    sed -n '4,5s/^# *//p' "$0" >&2
    exit 2
}

# One line for the caller's log, whichever way this ends.
end() { # EXIT-CODE WORDS
    say "$2"
    exit "$1"
}

# shellcheck disable=SC2329  # the traps below call it
interrupted() { # SIGNAL NUMBER
    [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null
    end $((128 + $2)) "told to stop by SIG$1; ${task:+the task goes on: $task}"
}
trap 'interrupted HUP 1' HUP
trap 'interrupted INT 2' INT
trap 'interrupted TERM 15' TERM

# In the background and waited for, so that a signal is heard at once.
pause() {
    sleep "$interval" &
    sleeper=$!
    wait "$sleeper"
    sleeper=''
}

out_of_time() { [ $(($(date +%s) - began)) -ge "$limit" ]; }

# Sets $task, or ends. What AWS may have in a moment (it throttles; no room for a task) is asked for again.
start() {
    network="awsvpcConfiguration={subnets=[$subnets],securityGroups=[$groups],assignPublicIp=DISABLED}"
    while :; do
        if answer=$(aws ecs run-task --cluster "$cluster" --task-definition "$definition" --count 1 \
            --launch-type FARGATE --client-token "$token" --network-configuration "$network" \
            --query '[tasks[0].taskArn, failures[0].reason]' --output text 2>&1); then
            task=$(printf '%s' "$answer" | cut -f 1)
            why=$(printf '%s' "$answer" | cut -f 2)
            [ "$task" = None ] || return 0
            task=''
        else
            why=$answer
        fi
        case $why in
            *hrottl* | *'Rate exceeded'* | *TooManyRequests* | *RESOURCE:* | *'apacity is unavailable'* | \
                *ServerException* | *ServiceUnavailable* | *'Could not connect'* | *'timed out'*) ;;
            *) end 3 "the task was not started: $why" ;;
        esac
        out_of_time && end 3 "the task was not started within $limit seconds: $why"
        say "the task was not started yet: $why"
        pause
    done
}

# Sets $status, $stopped (why it stopped), $code and $reason (of the container); fails without an answer.
look() {
    fields="containers[?name=='$container'] | [0]"
    answer=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --output text --query \
        "[tasks[0].lastStatus, tasks[0].stoppedReason, (tasks[0].$fields).exitCode, (tasks[0].$fields).reason]" \
        2>&1) || return 1
    status=$(printf '%s' "$answer" | cut -f 1)
    stopped=$(printf '%s' "$answer" | cut -f 2)
    code=$(printf '%s' "$answer" | cut -f 3)
    reason=$(printf '%s' "$answer" | cut -f 4)
    [ "$status" != None ]
}

# Prints the end of the container's log, if it has one. That it has none changes nothing.
show_log() {
    options="taskDefinition.containerDefinitions[?name=='$container'] | [0].logConfiguration.options"
    found=$(aws ecs describe-task-definition --task-definition "$definition" --output text \
        --query "($options).[\"awslogs-group\",\"awslogs-stream-prefix\"]" 2>&1) || found=''
    group=$(printf '%s' "$found" | cut -f 1)
    prefix=$(printf '%s' "$found" | cut -f 2)
    case $group in '' | None) return ;; esac
    stream=$prefix/$container/${task##*/}
    say "the end of $group $stream:"
    aws logs get-log-events --log-group-name "$group" --log-stream-name "$stream" --limit "$lines" \
        --query 'events[].[message]' --output text || :
}

while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || usage "$1 needs a value"
    case $1 in
        --cluster) cluster=$2 ;;
        --task-definition) definition=$2 ;;
        --subnets) subnets=$2 ;;
        --security-groups) groups=$2 ;;
        --container) container=$2 ;;
        --time-limit) limit=$2 ;;
        *) usage "what is $1?" ;;
    esac
    shift 2
done
for value in "$cluster" "$definition" "$subnets" "$groups" "$container"; do
    [ -n "$value" ] || usage 'something is missing'
done
case $limit in '' | *[!0-9]*) usage '--time-limit is a number of seconds' ;; esac

began=$(date +%s)
token=run-$began-$$-$(od -An -N8 -tx8 /dev/urandom | tr -d ' \n')
start
say "started $task"
missed=0
while :; do
    if look; then
        missed=0
        [ "$status" != STOPPED ] || break
    else
        missed=$((missed + 1))
        say "AWS does not say how the task is: $answer"
        [ "$missed" -lt "$patience" ] || end 4 "lost sight of the task, which may still run: $task"
    fi
    if out_of_time; then
        aws ecs stop-task --cluster "$cluster" --task "$task" --reason "longer than $limit seconds" >/dev/null || :
        show_log
        end 124 "it took longer than $limit seconds and was told to stop: $task"
    fi
    pause
done
show_log
case $code in
    0) end 0 "$container has ended well" ;;
    '' | *[!0-9]*) end 3 "$container did not run: ${reason:-None}; the task: ${stopped:-None}" ;;
    *) end "$code" "$container ended with $code" ;;
esac
