#if os(Linux)
internal import Glibc

/// Where caches live below the home folder (XDG Base Directory Specification 0.8).
let cacheFolderInHome = "/.cache/poddump"

/// The time of a file's last change, in nanoseconds since 1970.
func modified(_ status: stat) -> Int64 {
  Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
}

/// The file name of a folder's entry.
func name(of entry: UnsafeMutablePointer<dirent>) -> String {
  withUnsafePointer(to: &entry.pointee.d_name) { pointer in
    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
  }
}
#endif
