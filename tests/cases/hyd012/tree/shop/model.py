from dataclasses import dataclass

class Base:
    def __init__(self, *, width, depth=1):
        pass

class Net(Base):
    pass

class Head:
    def __init__(self, *, size, vocabulary, **kwargs):
        pass

@dataclass
class Spec:
    height: int
    width: int = 3

class Adam:
    def __init__(self, params, lr, betas=(0.9, 0.999)):
        pass

class Data:
    def __init__(self, *, root, batch_size):
        pass

def built(size, /, *rest, shape):
    pass
