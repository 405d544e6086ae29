"""Lost its names."""
