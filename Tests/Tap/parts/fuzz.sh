# shellcheck shell=bash
# The parsers of what comes from outside, for some seconds, with the same words each time.
for seed in 1 2 3; do check "command lines, seed $seed" "$work/fuzz" $seed 20000; done
