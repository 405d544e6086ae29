from typing import TYPE_CHECKING
import importlib
import contextlib

if TYPE_CHECKING:
    from shop.typing_only import T
try:
    from shop.optional import x
except ImportError:
    x = None
try:
    from shop.reraised import y
except ImportError as error:
    raise RuntimeError("needed") from error
with contextlib.suppress(ImportError):
    from shop.suppressed import z
def late():
    from shop.late import w
    importlib.import_module("shop.dynamic")
    importlib.import_module(".relative", __package__)
if __name__ == "__main__":
    from shop.only_main import v
