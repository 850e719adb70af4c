# SPDX-License-Identifier: ISC
#
# Rate by requests in flight, a line for each block size; both axes logarithmic.

set terminal svg size 720,420 font "sans-serif,13" background "#ffffff"
set output to
set title "Random reads a second, threaded world"
set xlabel "requests in flight"
set ylabel "reads a second"
set logscale x 2
set logscale y 10
set format y "10^{%L}"
set xrange [0.8:330]
set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256)
set grid ytics linecolor "#dddddd"
set key outside right center
set border 3
set tics nomirror

stats data using 1:2 nooutput
plot for [i = 0:STATS_blocks - 1] data index i using 1:2 with linespoints \
    linewidth 2 pointtype 7 pointsize 0.6 title columnheader(1)
