"""Tiles of plugins on the dashboard."""

import pytest

from portal.sdk import Figure
from tests import factories
from tests.desk.brought import Shy, broken, dashboard, failures, tile


def test_a_tile_shows_its_figures_on_the_dashboard(one_of_each, boss, brings):
    brings(tile(lambda: [Figure(12, "printed", "good", "/admin/"), Figure("3 kg", "paper left", "warn")]))
    shown = dashboard(boss)

    assert '<a href="/admin/"><b>12</b></a>' in shown
    assert "desk-figure desk-warn" in shown
    assert "3 kg" in shown


@pytest.mark.parametrize("link", ["https://elsewhere.test/", "//elsewhere.test/", "javascript:alert(1)"])
def test_a_tile_leads_nowhere_outside_the_portal(one_of_each, boss, brings, link):
    brings(tile(lambda: [Figure(12, "printed", link=link)]))
    shown = dashboard(boss)

    assert "<b>12</b>" in shown
    assert link not in shown


def test_a_tile_that_fails_leaves_the_dashboard_as_it_is(one_of_each, boss, brings):
    brings(tile(broken), tile(lambda: [Figure(Shy())]), tile(lambda: [Figure(1, "well")]))
    shown = dashboard(boss)

    assert shown.count("The tile “Labels” cannot be shown just now.") == 2
    assert "well" in shown
    assert "Orders today" in shown
    assert failures()[0][0] == 2


def test_a_tile_is_all_that_somebody_may_see_who_has_no_other_right(db, client, brings):
    brings(tile(lambda: [Figure(1, "for all")]), tile(lambda: [Figure(2, "for few")], permission="print"))
    client.force_login(factories.user("newcomer"))
    shown = dashboard(client)

    assert "for all" in shown
    assert "for few" not in shown
    assert "you may not see anything yet" not in shown
