from shop.old import thing
