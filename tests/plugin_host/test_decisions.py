"""What plugins are asked with `decide_…`: once a page, the first answer counts, and a bad one changes nothing."""

import signal
import time
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from portal.connections.models import Reference
from portal.connections.plugin_switches import switch_for
from portal.plugins.calls import limited
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.plugins.words import TookTooLong
from portal.sdk import FlowInfo, Hold, LeaveOut, Match, Offer, Order, Send, hooks
from portal.sync import mending
from portal.sync.models import Case, Fact
from tests.plugin_host.hooked import implement
from tests.toys import level, line, order, product, refund

PAGE = [order(1), order(2), order(3)]


@pytest.fixture
def decide(monkeypatch, django_capture_on_commit_callbacks):
    """Let plugins implement a hook by functions; the arguments of each call, by the plugin's name."""

    def by(hook, **functions):
        calls = {name: [] for name in functions}

        def noting(name, function):
            if hook == "decide_match":
                return lambda connection, kind, unmatched: (
                    calls[name].append((connection, kind, unmatched)) or function(connection, kind, unmatched)
                )
            if hook == "decide_route":
                return lambda flow, records: calls[name].append((flow, records)) or function(flow, records)
            return lambda flow, levels: calls[name].append((flow, levels)) or function(flow, levels)

        implement(monkeypatch, hook, **{name: noting(name, each) for name, each in functions.items()})
        return calls

    return by


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """What is left for after the commit is done at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def leave(*external_ids):
    return lambda flow, records: [LeaveOut(each, "Collected by hand.") for each in external_ids]


def said_of(plugin):
    return Plugin.objects.get(name=plugin).last_error


def failures():
    return dict(Plugin.objects.filter(failures__gt=0).values_list("name", "failures"))


# -- decide_route --


def test_decide_route_is_asked_once_for_a_page_and_what_it_leaves_out_is_not_sent(owned, decide):
    calls = decide("decide_route", picker=leave("o2"))
    owned.told(*PAGE)
    ((flow, records),) = calls["picker"]
    assert isinstance(flow, FlowInfo)
    assert (str(flow), [each.external_id for each in records]) == ("order: SHOP → ERP", ["o1", "o2", "o3"])
    assert all(isinstance(each, Order) for each in records)
    assert owned.states() == ["ready", "cancelled", "ready"]
    left = owned.operations()[1]
    assert (left.cause, left.finished_at is not None, left.effects.count()) == ("left-out", True, 0)
    assert left.message == "The plugin picker left it out: Collected by hand."
    assert Fact.objects.filter(
        record_id=left.record_id, text__startswith="Not sent to ERP. The plugin picker"
    ).exists()
    owned.deliver()
    assert len(owned.erp_remote.did("order")) == 2


def test_decide_route_can_hold_a_record_until_a_person_has_looked(owned, decide):
    decide(
        "decide_route", risk=lambda flow, records: [Hold("o1", "It looks like fraud.", "Call the customer.")]
    )
    owned.told(*PAGE)
    held = owned.operations()[0]
    assert (held.state, held.cause, held.message) == ("held", "held-by-risk", "It looks like fraud.")
    assert Case.objects.get().mend == "Call the customer."
    assert owned.states()[1:] == ["ready", "ready"]


def test_the_case_of_what_a_plugin_held_is_closed_although_it_is_claimed_but_once(owned, decide):
    decide(
        "decide_route", risk=lambda flow, records: [Hold("o1", "It looks like fraud.", "Call the customer.")]
    )
    owned.told(*PAGE)
    held = owned.operations()[0]
    assert mending.retry_operations([held.pk], "Ada") == 1
    owned.deliver()
    held.refresh_from_db()
    assert (held.state, held.fence) == ("done", 1)
    assert not Case.objects.filter(state="open").exists()


def test_the_first_answer_to_a_record_counts(owned, decide):
    decide("decide_route", first=lambda flow, records: [Send("o1")], second=leave("o1", "o2"))
    owned.told(*PAGE)
    assert owned.states() == ["ready", "cancelled", "ready"]


def test_what_the_portal_holds_no_plugin_lets_go(owned, decide):
    decide("decide_route", first=lambda flow, records: [Send("o1")])
    owned.told(order(1, total="99.00"))
    assert owned.operations()[0].cause == "totals-differ"


def test_a_record_that_was_left_out_is_asked_about_again_when_it_changes(owned, decide):
    answers = [["o1"], ["o1"], []]
    calls = decide("decide_route", picker=lambda flow, records: leave(*answers.pop(0))(flow, records))
    for version in (1, 2, 3):
        owned.told(order(1, version, note=str(version)))
    assert len(calls["picker"]) == 3
    assert owned.states() == ["cancelled", "ready"], "left out for the same reason it leaves no second line"


def test_what_the_target_has_seen_it_follows_whatever_plugins_say(owned, decide):
    owned.told(order(1))
    owned.deliver()
    calls = decide("decide_route", picker=leave("o1"))
    owned.told(order(1, 2, note="b"))
    assert calls["picker"] == []
    assert owned.states() == ["done", "ready"]


def test_the_refund_of_an_order_that_was_left_out_is_left_out_with_it(owned, decide):
    decide("decide_route", picker=leave("o1"))
    owned.told(order(1))
    owned.apply(owned.shop, "refund", refund(1))
    (operation,) = owned.operations("refund")
    assert (operation.state, operation.cause) == ("cancelled", "left-out")
    assert "left out its order" in operation.message


# -- decide_availability --


def test_decide_availability_is_asked_once_and_shows_fewer(owned, decide):
    calls = decide(
        "decide_availability", buffer=lambda flow, levels: [Offer(levels[0].external_id, Decimal(3))]
    )
    owned.apply(owned.shop, "stock", level("shop-1", "shop-main", 0))
    owned.apply(owned.erp, "stock", level("erp-1", "erp-main", 10))
    owned.work(owned.shop, "pull:order")
    owned.work(owned.shop, "pull:refund")
    owned.work(owned.shop, "check:stock")
    flow, levels = calls["buffer"][-1]
    assert (str(flow), levels[0].available, levels[0].sku) == ("stock: ERP → SHOP", Decimal(10), "SKU-1")
    assert owned.operations("stock")[-1].payload["available"] == "3"


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (Offer("erp-1@erp-main", Decimal(11)), "between 0 and 10 can be sold"),
        (Offer("erp-1@erp-main", Decimal(-1)), "between 0 and 10 can be sold"),
        (Offer("erp-1@erp-main", 3), "pieces are a Decimal"),
        (Offer("erp-1@erp-main", Decimal("NaN")), "pieces are a Decimal"),
        (Offer("erp-1@erp-main", Decimal("1.00001")), "with up to four decimals"),
        (Send("erp-1@erp-main"), "which is no Offer"),
    ],
)
def test_more_than_can_be_sold_is_refused_and_the_portals_figure_stands(owned, decide, committed, offer, why):
    decide("decide_availability", greedy=lambda flow, levels: [offer])
    owned.apply(owned.shop, "stock", level("shop-1", "shop-main", 0))
    with committed():
        owned.apply(owned.erp, "stock", level("erp-1", "erp-main", 10))
        owned.work(owned.shop, "pull:order")
        owned.work(owned.shop, "pull:refund")
        owned.work(owned.shop, "check:stock")
    assert owned.operations("stock")[-1].payload["available"] == "10"
    assert why in said_of("greedy")


# -- decide_match --


def test_decide_match_ties_what_is_called_differently(owned, decide):
    calls = decide("decide_match", names=lambda connection, kind, unmatched: [Match("s9", "SKU-2")])
    owned.read_master(product("SKU-2", "erp-2"), kind="product")
    owned.apply(owned.shop, "product", product("shop sku 2", "s9"), product("SKU-1", "shop-1"))
    ((connection, kind, unmatched),) = calls["names"]
    assert (connection.slug, kind) == ("shop", "product")
    assert [(each.external_id, each.key, each.record.sku) for each in unmatched] == [
        ("s9", "shop sku 2", "shop sku 2")
    ]
    tied = Reference.objects.get(connection=owned.shop, external_id="s9")
    assert (tied.state, tied.record_id is not None, tied.label) == ("confirmed", True, "shop sku 2")
    assert not Case.objects.exists()
    owned.told(order(1, 1, line("SKU-2")))
    owned.apply(owned.shop, "product", product("shop sku 2", "s9", 2, active=False))
    assert len(calls["names"]) == 1, "what is tied is not asked about again"


@pytest.mark.parametrize(
    ("key", "why"), [("SKU-7", "which is not ours"), ("SKU-1", "which is tied to another in SHOP")]
)
def test_a_match_that_cannot_be_is_refused_and_a_person_is_asked(owned, decide, committed, key, why):
    decide("decide_match", names=lambda connection, kind, unmatched: [Match("s9", key)])
    with committed():
        owned.apply(owned.shop, "product", product("OTHER", "s9"))
    assert why in said_of("names")
    assert Reference.objects.get(external_id="s9").record_id is None
    assert Case.objects.get().cause == "unknown-product"


# -- what holds for all of them --


def raises(flow, records):
    yield LeaveOut("o1", "Half an answer.")
    raise KeyError("rules")


def exits(flow, records):
    raise SystemExit(3)


def breaks_the_database(flow, records):
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


def hangs(flow, records):
    while True:
        time.sleep(1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raises, "asked about 3: it failed: KeyError: 'rules'. The portal decided by itself."),
        (exits, "it called sys.exit(3)"),
        (breaks_the_database, "no_such_table"),
        (hangs, "it did not come to an end: it took longer than 0.2 s"),
        (lambda flow, records: None, "TypeError"),
        (lambda flow, records: ["o1"], "which does not name a record by its external_id"),
        (lambda flow, records: [Match("o1", "SKU-1")], "which is no Send, LeaveOut or Hold"),
        (lambda flow, records: [LeaveOut("o9", "Why not.")], "it answered for 'o9', which was not asked for"),
        (lambda flow, records: [LeaveOut("o1", "")], "which does not say why"),
    ],
)
def test_a_plugin_that_answers_wrongly_is_charged_and_the_others_are_asked(
    owned, decide, committed, monkeypatch, function, said
):
    monkeypatch.setattr(hooks, "DECISION_SECONDS", 0.2)
    decide("decide_route", rotten=function, good=leave("o3"))
    with committed():
        owned.told(*PAGE)
    assert owned.states() == ["ready", "ready", "cancelled"]
    assert said in said_of("rotten")
    assert failures() == {"rotten": 1}


def test_a_plugin_that_is_off_is_not_asked(owned, decide):
    calls = decide("decide_route", picker=leave("o1"))
    switch("picker", on=False)
    owned.told(order(1))
    switch("picker", on=True)
    switch_for(owned.erp, "picker", on=False)
    owned.told(order(2))
    assert calls["picker"] == []
    switch_for(owned.erp, "picker", on=True)
    owned.told(order(3))
    assert len(calls["picker"]) == 1


def test_a_question_costs_a_few_queries_however_many_records_there_are(owned, decide):
    def queries(*orders):
        with CaptureQueriesContext(database) as captured:
            owned.told(*orders)
        return len(captured)

    queries(order(90))
    alone = queries(order(1), order(2))
    decide("decide_route", picker=lambda flow, records: [])
    asked = queries(order(3), order(4))
    more = queries(*(order(number) for number in range(5, 25)))
    assert alone < asked == more <= alone + 4, "who is off (2), and a savepoint (2)"


def test_a_slow_plugin_is_named(owned, decide, monkeypatch, caplog):
    monkeypatch.setattr("portal.plugins.calls.SLOW", 0.0)
    decide("decide_route", picker=leave())
    owned.told(order(1))
    assert "The plugin picker is slow. The hook decide_route, asked about 1, took" in caplog.text


def test_the_time_limit_gives_an_alarm_back_that_was_set_before():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    old, _ = signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        with pytest.raises(TookTooLong, match="it took longer than 0.05 s"), limited(0.05):
            while True:
                time.sleep(1)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 25 < left < 30
        assert rung == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, old)
        signal.signal(signal.SIGALRM, before)
