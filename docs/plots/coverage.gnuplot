# SPDX-License-Identifier: ISC
#
# Lines and branches that run in the tests, by folder.

set terminal svg size 760,380 font "sans-serif,13" background "#ffffff"
set output to
set title "What runs in the tests"
set ylabel "percent"
set yrange [0:105]
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set xtics scale 0 font ",11"
set grid ytics linecolor "#dddddd"
set key outside right center
set border 3
set tics nomirror

plot data using 2:xtic(1) title "lines" linecolor "#1b6ca8", \
    "" using 3 title "branches" linecolor "#e08e0b", \
    "" using ($0 - 0.17):2:(sprintf("%.1f", $2)) with labels offset 0,0.6 font ",11" notitle, \
    "" using ($0 + 0.17):3:(sprintf("%.1f", $3)) with labels offset 0,0.6 font ",11" notitle
