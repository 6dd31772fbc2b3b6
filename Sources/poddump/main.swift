print("poddump")
