"""Fill an empty Tryton database with the company that demo, tests and CI trade with.

Runs in Tryton's own environment: ``python seed.py trytond.conf DATABASE catalogue.json access.json``.
The modules must be activated already. Writes to ``access.json`` what a client needs to sign in.
"""
# ruff: noqa: N803, N806 - proteus makes classes at run time, and classes are written with a capital

from __future__ import annotations

import datetime as dt
import json
import secrets
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pycountry
from proteus import Model
from proteus import config as proteus_config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company

CURRENCIES = {  # per euro, and the smallest amount
    "EUR": ("1", "0.01", 2),
    "USD": ("1.08", "0.01", 2),
    "JPY": ("163", "1", 0),
    "KWD": ("0.33", "0.001", 3),
}
TAX_RATES = ("0.19", "0.07", "0.20", "0.00")
WAREHOUSES = {"BER": "Berlin", "VIE": "Wien", "LIN": "Linz"}
CARRIERS = ("DHL", "Österreichische Post", "GLS")
GROUPS = (
    "account.group_account",
    "party.group_party_admin",
    "sale.group_sale",
    "sale.group_sale_admin",  # may press “Process” for a sale whose processing failed
    "sale_amendment.group_sale_amendment",
    "stock.group_stock",
    "stock.group_stock_cancellation",
)
WEB_SHOP = "Web shop"


def say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def by_xml_id(name: str, model: str) -> Any:
    module, identifier = name.split(".")
    return Model.get(model)(Model.get("ir.model.data").get_id(module, identifier, {}))


def seed_currencies() -> dict:
    Currency = Model.get("currency.currency")
    currencies = {}
    for code, (rate, rounding, digits) in CURRENCIES.items():
        currency = Currency(name=code, symbol=code, code=code, digits=digits, rounding=Decimal(rounding))
        currency.rates.new(date=dt.date(2000, 1, 1), rate=Decimal(rate))
        currency.save()
        currencies[code] = currency
    return currencies


def seed_countries() -> None:
    Country = Model.get("country.country")
    Country.save([Country(name=country.name, code=country.alpha_2) for country in pycountry.countries])


def seed_accounts(company: Any) -> Any:
    create_chart(company)
    this_year = dt.datetime.now(dt.UTC).year
    for year in range(this_year - 1, this_year + 2):
        span = dt.date(year, 1, 1), dt.date(year, 12, 31)
        fiscal_year = set_fiscalyear_invoice_sequences(create_fiscalyear(company, span))
        fiscal_year.start_date, fiscal_year.end_date = span
        fiscal_year.save()
        fiscal_year.click("create_period")
    for rate in TAX_RATES:
        tax = create_tax(Decimal(rate), company)
        tax.name = tax.description = f"VAT {Decimal(rate) * 100:.0f} %"
        tax.save()
    accounts = get_accounts(company)
    configuration = Model.get("account.configuration")(1)
    configuration.tax_rounding = "line"
    # An invoice in another currency leaves cents when each of its lines is turned into the company's.
    configuration.currency_exchange_debit_account = accounts["expense"]
    configuration.currency_exchange_credit_account = accounts["revenue"]
    configuration.save()
    Category = Model.get("product.category")
    category = Category(name="Goods and services", accounting=True)
    category.account_expense = accounts["expense"]
    category.account_revenue = accounts["revenue"]
    category.save()
    create_payment_term().save()
    return category


def seed_warehouses() -> dict:
    Location = Model.get("stock.location")
    lost_found = by_xml_id("stock.location_lost_found", "stock.location")
    warehouses: dict[str, Any] = {}
    for code, name in WAREHOUSES.items():
        if not warehouses:
            warehouse = by_xml_id("stock.location_warehouse", "stock.location")
        else:
            warehouse = Location(type="warehouse", lost_found_location=lost_found)
            for role, kind in (("input", "storage"), ("output", "storage"), ("storage", "storage")):
                location = Location(name=f"{name} {role}", code=f"{code}-{role[:3].upper()}", type=kind)
                location.save()
                setattr(warehouse, f"{role}_location", location)
        warehouse.name, warehouse.code = name, code
        warehouse.save()
        warehouses[code] = warehouse
    return warehouses


def new_template(
    Template: Any, unit: Any, category: Any, kind: str, title: str, price: Decimal, code: str
) -> Any:
    template = Template(name=title, type=kind, default_uom=unit, salable=True, list_price=price)
    template.account_category = category
    product, *_ = template.products
    product.suffix_code = code
    return template


def seed_goods(catalogue: list[dict], category: Any, warehouses: dict) -> None:
    unit = by_xml_id("product.uom_unit", "product.uom")
    Template = Model.get("product.template")
    templates = [
        new_template(Template, unit, category, "goods", item["title"], Decimal(item["price"]), item["sku"])
        for item in catalogue
    ]
    templates += [
        new_template(Template, unit, category, "service", "Shipping", Decimal(0), "SHIPPING"),
        new_template(Template, unit, category, "service", "Refund without goods", Decimal(0), "REFUND"),
        new_template(Template, unit, category, "service", "Rounding", Decimal(0), "ROUNDING"),
    ]
    Template.save(templates)
    say(f"{len(templates)} products")
    products = {product.code: product for product in Model.get("product.product").find([])}
    Inventory = Model.get("stock.inventory")
    for code, warehouse in warehouses.items():
        inventory = Inventory(location=warehouse.storage_location)
        for item in catalogue:
            if quantity := item.get("stock", {}).get(code):
                line = inventory.lines.new(product=products[item["sku"]])
                line.quantity, line.expected_quantity = float(quantity), 0.0
        if inventory.lines:
            inventory.save()
            inventory.click("confirm")
        say(f"opening stock in {code}")


def seed_carriers(category: Any) -> None:
    unit = by_xml_id("product.uom_unit", "product.uom")
    Template, Party, Carrier = map(Model.get, ("product.template", "party.party", "carrier"))
    template = new_template(Template, unit, category, "service", "Carriage", Decimal(0), "CARRIAGE")
    template.salable = False
    template.save()
    for name in CARRIERS:
        party = Party(name=name)
        party.save()
        Carrier(party=party, carrier_product=template.products[0]).save()


def seed_users(company: Any) -> dict:
    User = Model.get("res.user")
    password = secrets.token_urlsafe(16)
    (admin,) = User.find([("login", "=", "admin")])
    admin.password = password
    admin.save()
    portal = User(name="Portal", login="portal", password=secrets.token_urlsafe(16))
    portal.companies.append(Model.get("company.company")(company.id))
    portal.company = Model.get("company.company")(company.id)
    for group in GROUPS:
        portal.groups.append(by_xml_id(group, "res.group"))
    portal.save()
    key = Model.get("res.user.application")(user=portal, application="rest", state="validated")
    key.save()
    return {"user": "admin", "password": password, "key": key.key, "web_shop": WEB_SHOP}


def seed(configuration: Path, database: str, catalogue: list[dict]) -> dict:
    """Write the company into the database and return its sign-in data."""
    proteus_config.set_trytond(f"sqlite:///{database}", config_file=str(configuration))
    currencies = seed_currencies()
    company = create_company(currency=currencies["EUR"])
    (company,) = Model.get("company.company").find([])
    company.party.name = "Portal Demo GmbH"
    company.party.save()
    seed_countries()
    say("company, currencies and countries")
    category = seed_accounts(company)
    say("accounts, taxes and three fiscal years")
    warehouses = seed_warehouses()
    seed_goods(catalogue, category, warehouses)
    seed_carriers(category)
    shop = Model.get("web.shop")(name=WEB_SHOP, company=company, currency=currencies["EUR"])
    shop.warehouses.extend(Model.get("stock.location")(w.id) for w in warehouses.values())
    shop.save()
    return seed_users(company)


if __name__ == "__main__":
    conf, name, goods, access = sys.argv[1:]
    result = seed(Path(conf), name, json.loads(Path(goods).read_text(encoding="utf-8")))
    Path(access).write_text(json.dumps(result), encoding="utf-8")
