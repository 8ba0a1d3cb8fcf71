def speed(r,q): pass
def size(r,q): pass
def training(r,q): pass
