" Scenarios of simblk.
autocmd BufNewFile,BufRead *.scn setfiletype simblk
