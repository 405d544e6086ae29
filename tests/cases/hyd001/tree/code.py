config = {"_target_": "shop.nowhere.X", "size": 1}
class Conf:
    _target_: str = "shop.model.gone.Y"
