"""Find a program on PATH, or beside the Python that runs compass (its environment need not be activated)."""

import os
import shutil
import sys


def find(name: str) -> str | None:
    """Path of the program; None when there is none."""
    beside = os.path.dirname(sys.executable)
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), beside)))
