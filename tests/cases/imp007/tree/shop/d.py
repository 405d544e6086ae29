def f():
    from shop.e import g
