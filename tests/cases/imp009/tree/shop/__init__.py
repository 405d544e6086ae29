def __getattr__(name):
    if name == "Basket":
        from .basket import Basket
        return Basket
    if name == "Gone":
        from .basket import Gone
        return Gone
    raise AttributeError(name)
