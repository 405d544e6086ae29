from shop.core import Basket
