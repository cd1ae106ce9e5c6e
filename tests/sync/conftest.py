from tests.engine import erp, house, rings, shop, toys
from tests.sync.set_back import doubled

__all__ = ["doubled", "erp", "house", "rings", "shop", "toys"]
