"""The tray launcher."""
