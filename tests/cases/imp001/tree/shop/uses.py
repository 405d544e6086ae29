from shop.a_package.inside import q
from shop.a.sub import nothing
