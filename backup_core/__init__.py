"""The engine: consistent snapshots, proven archives, restores that can be undone."""
