"""At the top of the source root, in no package."""

from . import nothing_here, shop

shown = (nothing_here, shop)
