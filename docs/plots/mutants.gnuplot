# SPDX-License-Identifier: ISC
#
# Mutants: the seeded ones by what kills them, the generic ones by the kind of their change.

set terminal svg size 860,420 font "sans-serif,13" background "#ffffff"
set output to
set style data histogram
set style fill solid 0.85 border -1
set boxwidth 0.8
set grid ytics linecolor "#dddddd"
set border 3
set tics nomirror
set xtics rotate by -35 scale 0 font ",11"
set rmargin 6
set bmargin 8
set multiplot layout 1,2

set title "Seeded: killed by"
set ylabel "percent"
set yrange [0:105]
set style histogram clustered gap 0
plot data index 0 using 2:xtic(1) notitle linecolor "#1b6ca8", \
    "" index 0 using 0:2:(sprintf("%.1f", $2)) with labels offset 0,0.6 font ",11" notitle

set title "Generic: kinds of changes"
set ylabel "mutants"
set yrange [0:*]
set style histogram rowstacked
set key top right
plot data index 1 using 2:xtic(1) title "killed" linecolor "#27803a", \
    "" index 1 using 3 title "survive" linecolor "#c0392b"
unset multiplot
