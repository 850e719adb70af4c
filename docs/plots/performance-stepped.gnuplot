# SPDX-License-Identifier: ISC
#
# What the stepped world reaches of a mere copy of the same bytes, without rules and with all.

set terminal svg size 860,460 font "sans-serif,13" background "#ffffff"
set output to
set title "Requests of the stepped world, against the copy of their data"
set ylabel "part of the yardstick"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set yrange [0:*]
set xtics rotate by -40 scale 0 font ",11"
set grid ytics linecolor "#dddddd"
set key top left
set border 3
set tics nomirror
set rmargin 8

plot data using 2:xtic(1) title "no rules" linecolor "#1b6ca8", \
    "" using 3 title "all rules" linecolor "#c0392b"
