class Basket:
    def __init__(self, *, size, color="red"):
        pass

    @classmethod
    def empty(cls):
        return cls(size=0)

    class Inner:
        pass

Alias = Basket

def make(size):
    return Basket(size=size)
