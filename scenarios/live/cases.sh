#!/bin/sh
# shellcheck disable=SC2034,SC2154 # what lib.sh gives, and what it takes
# SPDX-License-Identifier: ISC
#
# What is played on the real Xen in one boot: the platform's promises, then data.

tap_all "platform" live_conformance

tap_limit=120
vbd 51712 /dev/ram0
tap "100,000 random requests, 32 at a time, all data compared" live_io 51712 100000 32 1 2 32 1
say "live: $(tail -n 1 /tmp/out)"
vbd 51728 /dev/ram1
tap "two queues, grants mapped for each request" live_io 51728 10000 32 2 0 11 0
say "live: $(tail -n 1 /tmp/out)"
vbd 51744 /dev/nullb0
tap "sectors of 4096 bytes, rings of 16 pages" live_io 51744 10000 128 1 4 256 1
say "live: $(tail -n 1 /tmp/out)"
tap_limit=60
