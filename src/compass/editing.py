"""Edit a Markdown file that somebody else may be editing as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compass.errors import CompassError
from compass.home import find_home
from compass.markdown import Document


@contextmanager
def editing(path: Path) -> Iterator[Document]:
    """Yield the document of `path` under a lock, and write it back, all at once, when the block has changed it."""
    from durable.replace import write_bytes

    target = path.resolve()
    Document.read(target)  # A wrong path stops here, before a lock file is made beside it.
    with _lock_of(target):
        document = Document.read(target)
        before = document.data()
        yield document
        if document.data() != before:
            write_bytes(target, document.data())


@contextmanager
def _lock_of(target: Path) -> Iterator[None]:
    """The lock of the repository that holds the file; outside of any repository a lock beside the file."""
    try:
        home = find_home(target.parent)
    except CompassError:
        from durable.lock import lock

        with lock(target):
            yield
    else:
        with home.locked():
            yield
