#if canImport(Darwin)
internal import Darwin

/// When a file was last written, in seconds since 1970.
func modified(_ status: stat) -> Int { status.st_mtimespec.tv_sec }
#endif
