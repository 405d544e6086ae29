from shop._version import version
from shop.thing_pb2 import Message
