"""What compass says when it cannot do what was asked."""


class CompassError(Exception):
    """One line that names the thing and the remedy; the command ends with exit code 2 and has changed nothing."""
