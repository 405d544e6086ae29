import torch
import torch as t
from torch import load as read

def step(p, k):
    a = torch.reciprocal(1 + torch.exp(-k * p))
    b = torch.reciprocal(torch.exp(-k * p) + 1)
    c = 1 / (1 + p.exp())
    d = torch.reciprocal(2 + torch.exp(-k * p))
    return a, b, c, d

t.load("x")
read("y")
print("hello")
