// What Wireshark starts, about twice for each interface it lists, at every start and whenever a network
// card comes or goes. So this program is thin: it answers from the cache and hands the rest to poddump.
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

exit(answer(Request(arguments: Array(CommandLine.arguments.dropFirst()))))
