from .two import x
from .three import y
