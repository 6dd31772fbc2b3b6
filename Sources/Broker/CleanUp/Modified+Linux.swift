#if os(Linux)
internal import Glibc

/// When a file was last written, in seconds since 1970.
func modified(_ status: stat) -> Int { status.st_mtim.tv_sec }
#endif
