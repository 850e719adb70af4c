#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The libraries alone, as shared ones: built, installed, and a consumer linked with what pkg-config
# says, which needs them when it runs.
#
#     shared.sh ROOT WORK_DIR CC

set -eu

root=$1
work=$2
cc=$3
here=$(cd "$(dirname "$0")" && pwd)

command -v pkg-config >/dev/null || { echo "pkg-config not found: skipped"; exit 77; }

unset DESTDIR
rm -rf "$work/prefix"
mkdir -p "$work"
cmake -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release \
    -DBUILD_SHARED_LIBS=ON -DBUILD_TESTING=OFF -DCMAKE_INSTALL_LIBDIR=lib >"$work/configure.log"
cmake --build "$work/build" --target libraries >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    exit 1
}
cmake --install "$work/build" --prefix "$work/prefix" --component libraries >"$work/install.log"

PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
export PKG_CONFIG_PATH
# The words of pkg-config's answer are meant to be split.
# shellcheck disable=SC2046
"$cc" -std=c11 -o "$work/consumer" "$here/consumer/consumer.c" \
    $(pkg-config --cflags --libs blkfront simback)
LD_LIBRARY_PATH=$work/prefix/lib "$work/consumer"
# It does not run without them.
if "$work/consumer" >"$work/alone.log" 2>&1; then
    echo "the consumer does not need the shared libraries"
    exit 1
fi
for library in blkfront simback; do
    [ -L "$work/prefix/lib/lib$library.so" ] || { echo "no lib$library.so"; exit 1; }
    grep -q "lib$library.so.0.1" "$work/alone.log" || [ "$library" = simback ] ||
        { echo "lib$library has no version"; exit 1; }
done
