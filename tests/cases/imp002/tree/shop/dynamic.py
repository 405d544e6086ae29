for n in "ab":
    globals()[n] = n
