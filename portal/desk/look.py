"""How the admin looks: Unfold's settings. What depends on the person who looks is in `navigation.py`."""

from django.templatetags.static import static

UNFOLD = {
    "SITE_TITLE": "Portal",
    "SITE_HEADER": "Portal",
    "SITE_SUBHEADER": "Every system, one story",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("desk/icon.svg")},
    ],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": True,
    "ENVIRONMENT": "portal.desk.navigation.environment",
    "DASHBOARD_CALLBACK": "portal.desk.dashboard.fill",
    "STYLES": [lambda _: static("desk/desk.css")],
    "SCRIPTS": [lambda _: static("desk/command.js")],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .013 220)",
            "100": "oklch(94.5% .028 220)",
            "200": "oklch(89.5% .052 220)",
            "300": "oklch(82% .085 222)",
            "400": "oklch(70.5% .112 225)",
            "500": "oklch(60% .118 228)",
            "600": "oklch(51% .108 230)",
            "700": "oklch(44.5% .094 231)",
            "800": "oklch(39% .078 232)",
            "900": "oklch(34.5% .064 233)",
            "950": "oklch(25.5% .05 234)",
        },
    },
    "COMMAND": {
        "search_models": [
            "records.order",
            "records.shipment",
            "records.refund",
            "records.product",
            "connections.connection",
        ],
    },
    "SIDEBAR": {
        "command_search": True,
        "navigation": "portal.desk.navigation.sidebar",
    },
}
