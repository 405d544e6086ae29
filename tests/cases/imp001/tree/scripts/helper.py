tool = 1
