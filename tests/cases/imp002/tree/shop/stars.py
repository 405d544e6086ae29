from shop.listed import *
from shop.plain import *
