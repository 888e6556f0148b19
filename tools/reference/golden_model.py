def make(golden): pass
