"""Frozen, hashed specs of what happens before and after a network, each with its one numpy implementation."""
