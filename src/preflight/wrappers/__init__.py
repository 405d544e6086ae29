"""The documented script names under `scripts/audit/`: their flags, headline lines, files and exit codes."""
