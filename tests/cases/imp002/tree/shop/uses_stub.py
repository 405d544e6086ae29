from shop.stub import x, y
