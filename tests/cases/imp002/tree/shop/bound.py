import os as system
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from shop.core.basket import Basket
with open(os.devnull) as stream:
    pass
for index in range(3):
    pass
if (walrus := 3):
    pass
def f():
    global made
    made = 1
(a, *rest) = 1, 2
deleted = 1
del deleted
match a:
    case {"k": captured, **others}:
        pass
def walruses():
    if (inner := 1):
        return inner
