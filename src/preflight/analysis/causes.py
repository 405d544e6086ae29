"""Names of root causes: equal text for all findings that one repair would cure."""


def missing_module(dotted: str) -> str:
    """A module of the repository that is not there."""
    return f"module {dotted} is missing"


def missing_names(module: str) -> str:
    """A module that lost names that others ask it for."""
    return f"module {module} lacks names that others use"


def unparsable(path: str) -> str:
    """A file that does not parse."""
    return f"{path} does not parse"


def package(name: str, state: str) -> str:
    """A third-party package that is undeclared, not installed or damaged."""
    return f"package {name} is {state}"
