from shop.native import fast
