from .core import Basket, basket
