"""Many pages: planned in shards, read by workers, resumable, the same on one machine and on Ray."""
