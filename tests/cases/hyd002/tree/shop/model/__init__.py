from shop.model.basket import Basket
from shop.model.fn import fn
from . import basket as renamed
