"""Images in: the only place that decodes."""
