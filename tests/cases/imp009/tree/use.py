from shop import Basket, Gone, Never
