"""What is asked of the records in more places than one."""

from __future__ import annotations

from collections.abc import Collection

from portal.records.models import Product


def products_of(skus: Collection[str]) -> dict[str, int]:
    """Primary keys of the products with these SKUs, by SKU; those that there are none of are left out."""
    return dict(Product.objects.filter(sku__one_of=skus).order_by().values_list("sku", "pk"))
