#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Installs the build into an empty prefix, moves that elsewhere, and builds and runs a consumer from
# there: once by find_package, with the README's own lines, once by pkg-config. Then the installed
# tool plays the installed scenarios, and judges the tiny frontend of the examples, built with the
# installed shim. Nothing of this tree is on the consumer's paths.
#
#     run.sh BUILD_DIR WORK_DIR CC

set -eu

build=$1
work=$2
cc=$3
here=$(cd "$(dirname "$0")" && pwd)

command -v pkg-config >/dev/null || { echo "pkg-config not found: skipped"; exit 77; }

unset DESTDIR
rm -rf "$work"
mkdir -p "$work/first"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/moved"
prefix=$work/moved

pc=$(find "$prefix" -name blkfront.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
# Only shared libraries need it: the prefix is on no path of the system.
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH

cp -R "$here/consumer" "$work/source"
awk '/^```/ { inside = $0 == "```cmake"; next } inside' "$here/../../../README.md" \
    >"$work/source/readme.cmake"
grep -q find_package "$work/source/readme.cmake" || { echo "README.md: no cmake block"; exit 1; }

echo "== find_package"
cmake -S "$work/source" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" \
    -Dsimblk_DIR= >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
"$work/build/mine"
"$work/build/observed"

echo "== pkg-config"
# The words of pkg-config's answer are meant to be split.
# shellcheck disable=SC2046
"$cc" -std=c11 -o "$work/consumer" "$work/source/consumer.c" \
    $(pkg-config --cflags --libs blkfront simback)
"$work/consumer"

echo "== a frontend over simblk-shim"
cp "$here/../../../examples/tiny-frontend/tiny.c" "$work/source"
# shellcheck disable=SC2046
"$cc" -std=gnu11 -O1 -shared -fPIC -o "$work/tiny.so" "$work/source/tiny.c" \
    $(pkg-config --cflags --libs simblk-shim)
"$prefix/bin/simblk" run --quiet --frontend "$work/tiny.so" \
    "$(find "$prefix" -type d -path '*/conformance/ring')"

echo "== the installed tool"
"$prefix/bin/simblk" --version
"$prefix/bin/simblk" run --quiet "$(find "$prefix" -type d -path '*/simblk/scenarios')"
"$prefix/bin/simblk" bench --rows "depth 1" --repeats 1 --time 1 >"$work/bench.log"
