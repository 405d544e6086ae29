from shop.stars import shown, public, hidden
from shop.outside import anything
from shop.lazy import Basket
from shop.lazy import Other
from shop.open import whatever
from shop.dynamic import a
from shop.bound import system, stream, index, walrus, made, rest, captured, others
from shop.bound import Basket as TypingOnly
from shop.bound import deleted, inner, os
from shop.core.basket import value, annotated, Baskt
from shop import __file__, __version__
