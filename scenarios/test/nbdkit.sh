#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Real NBD clients on the simulated disk: each case serves one by nbdkit, uses it, and looks at what
# came of it.
#
#     nbdkit.sh CASE PLUGIN MISSING      MISSING: the exit code where a tool is missing

set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

case=$1 plugin=$2 missing=$3
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"

for tool in nbdkit fio qemu-img qemu-io nbdcopy nbdinfo mke2fs e2fsck; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not there"
        exit "$missing"
    }
done
[ -n "$plugin" ] || {
    echo "nbdkit-plugin-dev is not there: there is no plugin"
    exit "$missing"
}

fail() {
    echo "$*"
    exit 1
}

# Runs the lines on standard input while the disk is served: $uri is where.
serve() { # nbdkit's parameters
    {
        echo 'set -eu'
        cat
    } >client
    timeout -k 5 200 nbdkit --exit-with-parent -f -U - "$plugin" "$@" \
        --run 'export uri; exec sh -x client' 2>log || {
        cat log
        fail "the client found something wrong"
    }
}

# In the client: a step for the director; and a command is tried until it does as it is wanted to.
cat >helpers <<'EOF'
step() {
    [ -p control ] || exit 1
    echo "$*" >control
}
until_it() { # does or fails, command...
    wanted=$1 tries=0
    shift
    while
        if "$@" >out 2>&1; then now=does; else now=fails; fi
        [ "$now" != "$wanted" ]
    do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || {
            cat out
            echo "never $wanted: $*"
            exit 1
        }
        sleep 0.05
    done
}
io() { qemu-io -f raw "$uri" -c "$1"; }
EOF

case $case in
verify)
    # What was written is read again, at depth 16, on both queues, in sizes that need several ring
    # requests.
    serve size=128M <<'EOF'
fio --name=verify --ioengine=nbd --uri="$uri" --rw=randwrite --bsrange=4k-512k --size=96M \
    --iodepth=16 --verify=crc32c --do_verify=1 --verify_fatal=1 --randrepeat=1 >out || {
    cat out
    exit 1
}
grep -q 'err= 0' out
EOF
    ;;
convert)
    # An image of holes and data goes there and comes back as it was.
    dd if=/dev/urandom of=raw bs=64k count=100 status=none
    truncate -s 48M raw
    dd if=/dev/urandom of=raw bs=4k seek=9000 count=77 conv=notrunc status=none
    qemu-img convert -O qcow2 raw there.qcow2
    serve size=48M <<'EOF'
qemu-img convert -n -O raw there.qcow2 "$uri"
qemu-img compare -f raw -F raw raw "$uri"
qemu-img convert -O qcow2 "$uri" back.qcow2
EOF
    qemu-img compare raw back.qcow2
    ;;
ext4)
    # A file system, copied over several connections at once, is sound there and here.
    mkdir tree
    cp -r /usr/share/doc/e2fsprogs /usr/lib/mime tree/ 2>/dev/null || true
    seq 1 200000 >tree/numbers
    truncate -s 64M image
    mke2fs -q -t ext4 -d tree image
    serve size=64M <<'EOF'
nbdcopy --connections=4 image "$uri"
nbdcopy --connections=4 "$uri" copy
EOF
    cmp image copy
    e2fsck -fn copy
    ;;
errors)
    cat >faults.scn <<'EOF'
backend  linux sectors=65536
connect
fault    op=read sectors=100-107 error
fault    op=write sectors=200-200 error
EOF
    serve scenario=faults.scn <<'EOF'
. ./helpers
io 'read 0 4k'
until_it fails io 'read 51200 512'
grep -q 'read failed: Input/output error' out
io 'write 0 4k'
until_it fails io 'write 96k 8k'
grep -q 'write failed: Input/output error' out
io 'write 128k 64k'
EOF
    grep -q 'simblk: read: The backend reported an error' log
    ;;
read-only)
    echo 'backend linux mode=r sectors=2048' >read-only.scn
    serve scenario=read-only.scn <<'EOF'
nbdinfo "$uri" | grep -q 'is_read_only: true'
qemu-io -r -f raw "$uri" -c 'read 0 1M'
! qemu-io -f raw "$uri" -c 'write 0 512' || exit 1
EOF
    # While it is in use, by a client whose read is held until then. EPERM is NBD's for EROFS.
    cat >held.scn <<'EOF'
backend  linux sectors=2048
connect
fault    op=read sectors=1024-1031 hold
EOF
    serve scenario=held.scn control=control <<'EOF'
. ./helpers
is_read_only() { nbdinfo "$uri" | grep -q "is_read_only: $1"; }
qemu-io -f raw "$uri" -c 'write -P 7 0 4k' -c 'read 512k 4k' -c 'write -P 8 0 4k' >used 2>&1 &
sleep 1
step backend read-only
until_it does is_read_only true
step fault clear
! wait $! || exit 1
grep -q 'write failed: Operation not permitted' used
qemu-io -r -f raw "$uri" -c 'read -P 7 0 4k'
step backend read-only off
until_it does is_read_only false
io 'write -P 9 0 4k'
io 'read -P 9 0 4k'
EOF
    grep -q 'simblk: write: The device is read-only' log
    ;;
disconnect)
    # Who waits when the backend crashes fails; the device comes back with the next backend, and
    # with all that was written.
    cat >held.scn <<'EOF'
backend  linux sectors=65536
connect
fault    op=read sectors=1024-1031 hold
EOF
    serve scenario=held.scn control=control <<'EOF'
. ./helpers
io 'write -P 7 0 4k'
io 'read 512k 4k' >held 2>&1 &
sleep 1
step backend crash
! wait $! || exit 1
grep -q 'read failed' held
step fault clear
step backend restart
until_it does io 'read -P 7 0 4k'
io 'read -P 0 512k 4k'
EOF
    grep -q 'simblk: read: The device is not, or no longer, connected' log
    ;;
recover)
    # A device that waits for its backend hides all that from its clients.
    cat >recover.scn <<'EOF'
backend  linux queues=2 sectors=262144
connect  queues=2 recover=ever
fault    percent=1 delay=2ms
EOF
    serve scenario=recover.scn control=control <<'EOF'
. ./helpers
fio --name=recover --ioengine=nbd --uri="$uri" --rw=randwrite --bsrange=4k-64k --size=96M \
    --iodepth=16 --verify=crc32c --do_verify=1 --verify_fatal=1 --randrepeat=1 >fio.out &
fio=$!
while kill -0 $fio 2>/dev/null; do
    step backend close
    sleep 0.2
    step backend crash
    step backend restart
    sleep 0.2
done
wait $fio || {
    cat fio.out
    exit 1
}
EOF
    ! grep 'simblk: ' log || fail "a client was told of it"
    ;;
held)
    # nbdkit ends although a backend keeps a request to itself, and soon.
    printf 'backend linux\nfault op=read hold\n' >held.scn
    cat >client <<'EOF'
qemu-io -f raw "$uri" -c 'read 0 4k' >out 2>&1 &
sleep 1
EOF
    timeout -k 5 20 nbdkit --exit-with-parent -f -U - "$plugin" held.scn size=1M \
        --run 'export uri; exec sh client' 2>log || fail "nbdkit does not end: $(cat log)"
    ;;
refused)
    # What has no place in a served disk is said before anything is served.
    refuse() { # line of the scenario, what is said
        printf 'backend linux\n%s\n' "$1" >refused.scn
        ! nbdkit -f -U - "$plugin" refused.scn --run true 2>log || fail "$1: is served"
        grep -q "$2" log || fail "$1: $(cat log)"
    }
    refuse 'read 0 +8' 'line 2: of the steps only those of the backend'
    refuse 'run' 'line 2: only .run time='
    refuse 'backend linux' 'line 2: there is one device'
    refuse 'xvdb: backend linux' 'line 2: there is one device'
    refuse 'backend crash -> ok' 'line 2: '
    refuse 'nonsense' 'line 2: '
    echo 'fault error' >refused.scn
    ! nbdkit -f -U - "$plugin" refused.scn --run true 2>log || fail "no backend: is served"
    grep -q 'there is no .backend. with a disk' log
    : >control
    ! nbdkit -f -U - "$plugin" size=1M control=control --run true 2>log || fail "no FIFO: is served"
    grep -q 'is no FIFO' log
    ! nbdkit -f -U - "$plugin" size=1000 --run true 2>log || fail "half a sector is served"
    grep -q 'whole sectors' log
    echo 'backend linux sector_size=4096' >refused.scn
    ! nbdkit -f -U - "$plugin" refused.scn size=6656 --run true 2>log ||
        fail "a sector and a half is served"
    grep -q 'size=6656 is no whole number of sectors of 4096' log
    # Somebody has filled the FIFO, and nobody is there to read it.
    printf '%s\n' 'backend linux' connect 'run time=3600s' >waits.scn
    mkfifo full
    timeout -k 5 20 nbdkit -f -U - "$plugin" waits.scn control=full \
        --run 'head -c 65536 /dev/zero >full' || fail "a full FIFO holds it up"
    ;;
*)
    fail "no such case: $case"
    ;;
esac
