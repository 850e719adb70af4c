#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What the cases of the live rig say: one line of TAP a case, block devices set up as a toolstack
# does it.

tap_count=0
tap_result=/dev/ttyS1

# Each process that is begun costs a hundredth of a second and more where a machine is emulated: so
# the shell does itself what it can.
tell() { # a line of the result, which the console has as well
    echo "$1"
    echo "$1" >$tap_result
}

say() { # a remark beside the results
    tell "# $*"
}

tap() { # name of the case, command...: passes when the command does, within a minute
    tap_name=$1
    shift
    tap_count=$((tap_count + 1))
    echo "== $tap_count $tap_name"
    read -r tap_began tap_idle </proc/uptime
    case $1 in
    "[") tap_within= ;; # at once, by the shell
    *) tap_within="timeout ${tap_limit:-60}" ;;
    esac
    # shellcheck disable=SC2086 # two words
    if $tap_within "$@" >/tmp/out 2>&1; then
        tap_word="ok"
    else
        tap_word="not ok"
        tail -n 40 /tmp/out | cut -c 1-200 | sed 's/^/#   /' >$tap_result
    fi
    [ ! -s /tmp/out ] || cat /tmp/out
    tell "$tap_word $tap_count - $tap_name"
    read -r tap_ended tap_slept </proc/uptime
    echo "== began $tap_began, ended $tap_ended, idle since boot $tap_idle, $tap_slept"
}

tap_fails() { # name, what it says, command...: passes when the command fails and says that
    tap_name=$1
    tap_words=$2
    shift 2
    timeout "${tap_limit:-60}" "$@" >/tmp/failed 2>&1
    tap_status=$?
    tap "$tap_name" \
        sh -c "cat /tmp/failed; [ $tap_status != 0 ] && grep -q '$tap_words' /tmp/failed"
}

# Programs that print TAP themselves: their lines become ours, and tap_passed says how many of them
# have passed.
tap_all() { # name before each, command...
    tap_name=$1
    shift
    timeout "${tap_limit:-120}" "$@" >/tmp/out 2>&1
    tap_status=$?
    cat /tmp/out
    sed -n "s/^\(ok\|not ok\) [0-9]* *-* */\1 - $tap_name: /p; /^#/p; /^ /s/^/# /p" /tmp/out \
        >/tmp/lines
    while read -r tap_line; do
        case $tap_line in
        "ok - "*) tap_count=$((tap_count + 1)); echo "ok $tap_count - ${tap_line#ok - }" ;;
        "not ok - "*)
            tap_count=$((tap_count + 1))
            echo "not ok $tap_count - ${tap_line#not ok - }" ;;
        *) echo "$tap_line" ;;
        esac
    done </tmp/lines >/tmp/told
    cat /tmp/told >$tap_result
    # shellcheck disable=SC2034 # for the cases
    tap_passed=$(grep -c '^ok ' /tmp/told)
    # A program that dies has not told of what it did not come to.
    tap "$tap_name: came to its end" [ $tap_status -le 1 ]
}

tap_end() {
    echo "1..$tap_count" >$tap_result
}

# A device of the kernel's backend: its number, the disk below it, w or r.
vbd() {
    vbd_back=/local/domain/0/backend/vbd/0/$1
    vbd_front=/local/domain/0/device/vbd/$1
    # Without a name xen-blkback goes to Connected and serves nothing.
    vbd_name=xvd$(echo abcdefghijklmnop | cut -c $((($1 - 51712) / 16 + 1)))
    # Where the disk is, as MAJOR:MINOR in hexadecimal: what stat prints.
    vbd_disk=$(stat -c %t:%T "$2")
    xenstore-write "$vbd_front/backend-id" 0 "$vbd_front/virtual-device" "$1" \
        "$vbd_front/device-type" disk "$vbd_front/state" 1 "$vbd_back/frontend" "$vbd_front" \
        "$vbd_back/frontend-id" 0 "$vbd_back/online" 1 "$vbd_back/mode" "${3:-w}" \
        "$vbd_back/dev" "$vbd_name" "$vbd_back/device-type" disk \
        "$vbd_back/physical-device" "$vbd_disk" "$vbd_back/state" 1 "$vbd_front/backend" "$vbd_back"
}

# A device of QEMU's: its number, what is below it as QEMU calls that, w or r.
qdisk() {
    qdisk_front=/local/domain/0/device/vbd/$1
    xenstore-write "$qdisk_front/backend-id" 0 "$qdisk_front/virtual-device" "$1" \
        "$qdisk_front/device-type" disk "$qdisk_front/state" 1 \
        "$qdisk_front/backend" "/local/domain/0/backend/qdisk/0/$1"
    qdisk_back "$@"
}

# Its backend's half, which is enough where there was one before.
qdisk_back() {
    qdisk_back=/local/domain/0/backend/qdisk/0/$1
    qdisk_name=xvd$(echo abcdefghijklmnop | cut -c $((($1 - 51712) / 16 + 1)))
    xenstore-write "$qdisk_back/frontend" "/local/domain/0/device/vbd/$1" \
        "$qdisk_back/frontend-id" 0 "$qdisk_back/online" 1 "$qdisk_back/removable" 0 \
        "$qdisk_back/bootable" 1 "$qdisk_back/dev" "$qdisk_name" "$qdisk_back/type" qdisk \
        "$qdisk_back/mode" "${3:-w}" "$qdisk_back/device-type" disk "$qdisk_back/params" "$2" \
        "$qdisk_back/state" 1
}

# Until a command succeeds, or so many seconds are over.
within() { # seconds, command...
    within_tries=$(($1 * 10))
    shift
    until "$@" 2>/dev/null; do
        within_tries=$((within_tries - 1))
        [ $within_tries -gt 0 ] || return 1
        sleep 0.1
    done
}

# Its nodes go, whatever has become of it.
vbd_remove() { # number, backend's type
    xenstore-rm "/local/domain/0/backend/${2:-vbd}/0/$1" "/local/domain/0/device/vbd/$1"
}

# QEMU as a backend of its own for devices of this domain, from now on.
qdisk_start() {
    xen-qemu-system-i386 -xen-domid 0 -xen-attach -name dom0 -nographic -M xenpv -daemonize \
        -monitor /dev/null -serial /dev/null -parallel /dev/null -nodefaults -no-user-config \
        -pidfile /run/qemu.pid
}
