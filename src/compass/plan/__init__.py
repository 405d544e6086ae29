"""Executable plans: steps with risk, dependencies, files, validations and rollback, read from YAML or Markdown."""
