"""What the resolver answers: where a module leads, what a name in it is, and where that is defined."""

from typing import NamedTuple

from preflight.source.folders import Place
from preflight.source.summary import Binding


class Resolution(NamedTuple):
    """Where a dotted module leads. status: found | missing | external | stdlib | unknown.

    `missing` is the shortest dotted prefix that is not there, `above` the place it should be in; `borrowed` when only
    the sys.path edits of some file lead there; `weak` when a module from elsewhere that has that name may be meant.
    """

    status: str
    places: tuple[Place, ...] = ()
    missing: str = ""
    above: Place | None = None
    borrowed: bool = False
    weak: bool = False
    beyond: bool = False  # a relative import goes above the package that the file is in


class Found(NamedTuple):
    """What a name in a module is. status: found | missing | unknown | typing (for type checkers only)."""

    status: str
    place: Place | None = None  # the module the name was found in, or the submodule that it is
    binding: Binding | None = None  # None for a submodule


class Defined(NamedTuple):
    """Where a name is really defined: internal (place set), or external (`dotted` starts outside the repository)."""

    place: Place | None
    name: str  # "" for a module
    kind: str  # class | def | var | module | external | unknown | missing
    dotted: str
