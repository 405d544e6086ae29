"""The REST service: bounded, batched, with jobs that survive a restart."""
