"""Pulses of work, living blueprints and executable plans, kept as plain files in a repository."""
