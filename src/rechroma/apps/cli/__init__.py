"""The command `rechroma`; commands that belong together share a module."""
