#if canImport(Darwin)
internal import Darwin

func emptySpawnActions() -> posix_spawn_file_actions_t? { nil }
func emptySpawnAttributes() -> posix_spawnattr_t? { nil }
#endif
