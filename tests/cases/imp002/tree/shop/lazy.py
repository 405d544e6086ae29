_TABLE = {"Basket": ("shop.core.basket", "Basket")}
def __getattr__(name):
    if name in _TABLE:
        return _TABLE[name]
    raise AttributeError(name)
