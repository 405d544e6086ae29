"""Living blueprints: Markdown trackers of phases and tasks, read as they are and kept true in place."""
