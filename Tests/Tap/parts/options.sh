# shellcheck shell=bash
# The command line.
version=$(sed -n 's/^package let programVersion = "\(.*\)"$/\1/p' Sources/Extcap/Version.swift)
same "--version" "tap $version" "$("$native" --version)"
says "--help" "usage: tap -i INTERFACE" "$native" --help
for option in $("$native" --help | grep -oE '^  (-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+') --facts --version; do
  check "$option is in the manual" grep -qE "^.It .*Fl -${option#--}( |\$)" packaging/poddump-tap.1
done

wrong() { # NAME MESSAGE WORD…
  local name=$1 message=$2 out
  shift 2
  for t in "$native" "$work/tap-sanitized"; do
    out=$("$t" "$@" 2>&1 </dev/null)
    status=$?
    same "$name: status 2" 2 "$status"
    contains "$name: $message" "$message" "$out"
  done
}
wrong "no interface" "there is no -i" -w -
wrong "nothing at all" "there is no -i"
wrong "no output" "there is no -w -" -i lo
wrong "another output" "only - is possible" -i lo -w file
wrong "a value missing" "-i: needs a value" -w - -i
wrong "an unknown option" "--frobnicate: not an option" --frobnicate
wrong "an unknown word" "word: not an option" word -i lo -w -
wrong "a value too many" "takes no value" --unlink=x -i lo -w -
wrong "a path as interface" "not the name of an interface" -i ../x -w -
wrong "an option as interface" "not the name of an interface" -i -w -
wrong "a long interface" "not the name of an interface" -i abcdefghijklmnop -w -
wrong "a great snap length" "not a number up to 262144" -i lo -s 262145 -w -
wrong "a count that is none" "not a number" -i lo -c x -w -
wrong "a count that overflows" "not a number" -i lo -c 18446744073709551616 -w -
wrong "a negative ttl" "not a number of seconds" -i lo --ttl -1 -w -
wrong "an unknown format" "neither pcapng nor pcap" -i lo --format erf -w -
wrong "a timeout of zero" "not a number from 1" -i lo --block-timeout 0 -w -
wrong "a filter without a type" "does not begin with a link type" -i lo --filter '1,6 0 0 1' -w -
wrong "a filter of no instruction" "number of instructions" -i lo --filter '1:0' -w -
wrong "a filter of too many" "number of instructions" -i lo --filter '1:4094,' -w -
wrong "a filter cut short" "not four numbers" -i lo --filter '1:2,6 0 0 1' -w -
wrong "a filter with a great jump" "not four numbers" -i lo --filter '1:1,6 256 0 1' -w -
wrong "a filter with a rest" "behind the last instruction" -i lo --filter '1:1,6 0 0 1,6 0 0 1' -w -
wrong "two filters for one type" "a second one" -i lo --filter '12:1,6 0 0 1' --filter '101:1,6 0 0 1' -w -
wrong "escape sequences come back harmless" "?[31m: not an option" $'\e[31m'

cp "$native" "$work/mistaken"
refuse "a mistake beside --unlink" "$work/mistaken" --unlink --frobnicate
refuse "and the file is gone all the same" test -e "$work/mistaken"
