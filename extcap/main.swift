print("poddump-extcap")
