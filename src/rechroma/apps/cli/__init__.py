"""The command `rechroma`, a module for commands that belong together."""
