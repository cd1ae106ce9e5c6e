from tests.engine import erp, house, rings, shop, toys

__all__ = ["erp", "house", "rings", "shop", "toys"]
