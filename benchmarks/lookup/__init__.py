"""Questions and claims that are looked up in an encyclopedia on this machine."""
