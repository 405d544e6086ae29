def export():
    from shop.export import to_csv

def other():
    try:
        from shop.export import to_csv
    except ImportError:
        pass
