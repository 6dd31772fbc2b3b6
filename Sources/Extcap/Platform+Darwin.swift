#if canImport(Darwin)
internal import Darwin

/// Where caches live below the home folder (File System Programming Guide, Apple).
let cacheFolderInHome = "/Library/Caches/poddump"

/// The time of a file's last change, in nanoseconds since 1970.
func modified(_ status: stat) -> Int64 {
  Int64(status.st_mtimespec.tv_sec) * 1_000_000_000 + Int64(status.st_mtimespec.tv_nsec)
}

/// The file name of a folder's entry.
func name(of entry: UnsafeMutablePointer<dirent>) -> String {
  withUnsafePointer(to: &entry.pointee.d_name) { pointer in
    pointer.withMemoryRebound(to: CChar.self, capacity: 1024) { String(cString: $0) }
  }
}
#endif
