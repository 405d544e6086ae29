"""Networks that turn features into what a task asks for."""
