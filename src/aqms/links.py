"""Link targets as paths of the repository."""

import posixpath
from html import unescape
from urllib.parse import quote, unquote


def local_path(target: str) -> str | None:
    """The path in a link target as a name on disk, without its fragment; None when it leads elsewhere or nowhere."""
    path = target.partition("#")[0].partition("?")[0]
    if not path or ":" in path.split("/")[0] or path.startswith("//"):
        return None
    return unquote(unescape(path.replace("\\", "")), errors="surrogateescape")


def target_of(document: str, path: str) -> str | None:
    """The path from the root that ``path`` leads to in a document; None when it leads out of the repository."""
    base = "" if path.startswith("/") else posixpath.dirname(document)
    full = posixpath.normpath(posixpath.join(base, path.lstrip("/")))
    return None if full == ".." or full.startswith("../") else full


def relative(document: str, full: str, old: str) -> str:
    """The target that leads from a document to the file ``full``, keeping the fragment of the old target."""
    tail = old[len(old.partition("#")[0].partition("?")[0]) :]
    path = f"/{full}" if old.startswith("/") else posixpath.relpath(full, posixpath.dirname(document) or ".")
    # Letters of other scripts stay readable: only what would end or change a Markdown target is encoded.
    return (
        "".join(char if _readable(char) else quote(char, "/-_.~+,&=@!':", errors="surrogateescape") for char in path)
        + tail
    )


def _readable(char: str) -> bool:
    """Whether a character is a letter or sign of another script, and no byte of a name that is not UTF-8."""
    return not char.isascii() and not "\ud800" <= char <= "\udfff"
