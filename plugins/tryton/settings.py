"""What a connection to a Tryton server needs to know."""

from __future__ import annotations

from portal.sdk import Field, SecretStr, Settings


class TrytonSettings(Settings):
    url: str = Field(
        title="Address", description="Where the Tryton server answers, such as https://tryton.example.com"
    )
    database: str = Field(title="Database", description="The name of the Tryton database.")
    key: SecretStr = Field(
        title="Key",
        description="The key of a user application of the kind “REST API”. Its user needs the groups Accounting, Party Administration, Sales, "
        "Sales Administrator, Sale Amendment, Stock and Stock Cancellation.",
    )
    web_shop: str = Field(
        title="Web shop",
        description="The name of the web shop in Tryton that the orders belong to. One for each shop connected.",
    )
    payment_term: str = Field(
        default="", title="Payment term", description="Its name in Tryton. Empty: the first one."
    )
    shipping_product: str = Field(
        default="SHIPPING",
        title="Product for shipping",
        description="The code of a service sold as shipping.",
    )
    refund_product: str = Field(
        default="REFUND",
        title="Product for refunds without goods",
        description="The code of a service that money is given back for when no goods come back.",
    )
    rounding_product: str = Field(
        default="",
        title="Product for odd cents",
        description="The code of a service. With some taxes (20 %) no net price gives exactly 9.99 with tax; the cent "
        "then becomes a line of its own. Empty: such an order is held.",
    )
    post_invoices: bool = Field(
        default=False,
        title="Post invoices at once",
        description="Post the customer's invoice with the order. An order with a posted invoice cannot be changed any more.",
    )
