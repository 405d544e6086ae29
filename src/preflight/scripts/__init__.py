"""What to do with each script: keep, refactor, review or archive, judged by evidence instead of by folder."""
