from shop.core.registry import register
from shop.core import basket
import shop.gone
import shop.core.basket
from .core.missing import A, B
from ... import above
from shop.core.basket import Basket  # fine
