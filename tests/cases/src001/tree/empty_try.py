try:
    # import gone
except ImportError:
    pass
