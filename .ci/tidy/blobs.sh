#!/bin/sh
# SPDX-License-Identifier: ISC
#
# No large file and no object code in the tree: 256 KiB a file, 2 MiB of corpora in all.
#
#     blobs.sh ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
bad=0

for file in $(find . -type f ! -path './.git/*' ! -path './build/*' -size +256k | sort); do
    echo "$file: larger than 256 KiB"
    bad=1
done
for file in $(find . -type f ! -path './.git/*' ! -path './build/*' \
    \( -name '*.o' -o -name '*.a' -o -name '*.so' -o -name '*.gcda' -o -name '*.img' \) | sort); do
    echo "$file: made by a build"
    bad=1
done
if [ -d fuzz ]; then
    size=$(find fuzz -type f ! -name '*.c' ! -name '*.h' -exec wc -c {} + |
        awk '$2 != "total" { sum += $1 } END { print sum + 0 }')
    if [ "$size" -gt 2097152 ]; then
        echo "fuzz: $size bytes of data, 2 MiB are allowed"
        bad=1
    fi
fi

exit $bad
