#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What a user would pick instead, on the same machine and one after the other: random reads of 4 KiB
# at depth 32 from 64 MiB in memory, by fio's nbd engine from nbdkit's memory plugin, from qemu-nbd
# and from nbdkit with simblk's plugin; and by simblk's threaded world directly. A table of rates
# and ratios, as Markdown.
#
#     peers.sh SIMBLK PLUGIN [SECONDS]      SECONDS that each is measured

set -eu
LC_ALL=C
export LC_ALL

simblk=$1 plugin=$2 seconds=${3:-3}
at=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$at"' EXIT
cd "$at"

for tool in nbdkit fio qemu-nbd jq; do
    command -v "$tool" >/dev/null || {
        echo "peers.sh: $tool is not there" >&2
        exit 77
    }
done

# The rest of a client: its uri is in $uri, how often it read in a second goes to a file.
cat >client <<EOF
fio --name=peer --ioengine=nbd --uri="\$uri" --rw=randread --bs=4k --iodepth=32 --size=64M \\
    --time_based --runtime=$seconds --randrepeat=1 --output-format=json --output=fio.json
jq '.jobs[0].read.iops | round' fio.json
EOF

by_nbdkit() { # the plugin and its parameters
    nbdkit -f -U - "$@" --run 'export uri; exec sh -e client'
}

by_qemu() {
    qemu-nbd --persistent --shared=0 --socket="$at/socket" --image-opts \
        driver=null-co,size=64M,read-zeroes=on &
    server=$!
    tries=0
    until [ -S socket ] || [ "$tries" -gt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    uri="nbd+unix:///?socket=$at/socket" sh -e client
    kill "$server"
    wait "$server" || true
    server=
}

# Of the rows of `simblk bench`.
threads() {
    "$simblk" bench --world threads --rows "read 4 KiB, depth 32" --json --repeats 3 \
        --time $((seconds * 100)) >bench.json
    jq '.rows[] | .requests_per_second, .yardstick_per_second' bench.json
}

memory=$(by_nbdkit memory 64M)
# Not in $(…), which would wait for the server too if the client failed.
by_qemu >qemu
qemu=$(cat qemu)
served=-
[ -z "$plugin" ] || served=$(by_nbdkit "$plugin" size=64M)
threads >both
ours=$(sed -n 1p both)
copies=$(sed -n 2p both)

row() { # name, rate
    echo "$1|$2" | awk -F '|' -v memory="$memory" -v copies="$copies" '{
        printf "| %s | %s | %s | %s |\n", $1, $2, $2 == "-" ? "-" : sprintf("%.2f", $2 / memory),
            $2 == "-" ? "-" : sprintf("%.3f", $2 / copies)
    }'
}

echo "| 4 KiB random reads, depth 32 | a second | × nbdkit memory | × copy |"
echo "|---|---:|---:|---:|"
row "copies of 4 KiB, one core" "$copies"
row "simblk, threads, frontend's interface" "$ours"
row "fio over NBD: simblk's plugin" "$served"
row "fio over NBD: nbdkit memory" "$memory"
row "fio over NBD: qemu-nbd null-co" "$qemu"
