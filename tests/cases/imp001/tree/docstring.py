"""
from shop.nowhere import x
class Fake:
"""
