"""A script can be recorded from a real remote; here one that is scripted itself plays it."""

import json
from pathlib import Path

import pytest

from portal.testing import Remote, Reply
from portal.testing.record import main, record
from tests.testing.contract.orchard import Orchard
from tests.testing.contract.test_orchard import TestOrchard as Certified

SCRIPT = Path(__file__).with_name("orchard.json")
NAMED = "tests.testing.contract.orchard:Orchard"


@pytest.fixture
def remote(scripted_remote):
    return scripted_remote(SCRIPT)


def settings(remote):
    return {"url": remote.url, "token": "open sesame"}


def test_what_was_recorded_certifies_the_connector_s_reading(remote, tmp_path):
    file = tmp_path / "answers.json"
    told = main(NAMED, str(file), f"url={remote.url}", "token=open sesame")
    assert "    'order': {'o1': '19.99 EUR', 'o2': '1200 JPY', 'o3': '1.234 KWD'}," in told
    assert str(remote.writes) == "[]"

    recorded = type("Recorded", (Certified,), {"answers": file})
    for case in recorded.cases():
        reads = case.check.room in ("paging", "records", "money", "words", "fetching")
        if reads and case.check.name != "unicode-survives-writing":
            recorded.verify(case)


class ReadsFrom(Orchard):
    """Goes on from a cursor by a filter of its own, which leads to further pages than the first reading."""

    def pull_refund(self, cursor):
        return self.pull("/refunds" if cursor is None else "/changes", self.refund, cursor)


def test_reading_goes_on_to_the_end_from_every_cursor(remote):
    script = json.loads(SCRIPT.read_text("utf-8"))
    pages = {f"GET /changes?after={after}": script[f"GET /refunds?after={after}"] for after in (6, 9)}
    more = {"list": [{"seq": "10"} | script["GET /refunds/r1"] | {"seq": "10"}], "more": False}
    empty = {"list": [], "more": False}
    pages["GET /changes?after=6"] = pages["GET /changes?after=6"] | {"more": True}
    pages |= {"GET /changes?after=9": more, "GET /changes?after=10": empty}
    remote.answer_also(pages)
    recording, _ = record(ReadsFrom, settings(remote))
    assert {each for each in recording.answers if "/changes" in each} == set(pages)
    assert recording.left_out == []


def test_nothing_to_pay_is_a_figure_too(remote, tmp_path):
    orders = json.loads(SCRIPT.read_text("utf-8"))["GET /orders?after=12"]
    orders["list"][0]["sum"] = 0
    remote.answer_also({"GET /orders?after=12": orders})
    told = main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}", "token=open sesame")
    assert "'o3': '0.000 KWD'" in told


def test_what_is_set_aside_is_told_with_its_reason(remote, tmp_path):
    script = json.loads(SCRIPT.read_text("utf-8"))
    orders, refunds = script["GET /orders?after=12"], script["GET /refunds?after=0"]
    orders["list"][0]["status"] = "lost"
    for refund in refunds["list"]:
        del refund["currency"]
    remote.answer_also({"GET /orders?after=12": orders, "GET /refunds?after=0": refunds})
    told = main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}", "token=open sesame").splitlines()
    assert [line.split(":")[0] for line in told if "set aside" in line] == [
        "1 order was set aside",
        "2 refunds were set aside",
    ]
    assert all(len(line.split(": ", 1)[1]) > 8 for line in told if "set aside" in line)


def test_a_reading_that_is_cut_short_is_told(remote, tmp_path, monkeypatch):
    monkeypatch.setattr("portal.testing.record.MOST_PAGES", 2)
    told = main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}", "token=open sesame")
    assert "Reading of order stopped after 2 pages." in told


def test_the_address_and_the_secrets_are_not_kept(remote):
    remote.answer_also({"GET /me": {"shop": "Lane", "link": "{url}/me", "key": "open sesame"}})
    recording, _ = record(Orchard, settings(remote))
    assert recording.answers["GET /me"] == {"shop": "Lane", "link": "{url}/me", "key": "…"}


def test_numbers_keep_every_digit(remote, tmp_path):
    file = tmp_path / "answers.json"
    remote.answer_also({"GET /me": Reply(body=b'{"shop": "Lane", "sum": 98765432109876.490}')})
    main(NAMED, str(file), f"url={remote.url}", "token=open sesame")
    assert '"sum": 98765432109876.490' in file.read_text("utf-8")


def test_what_is_no_answer_for_a_script_is_told(remote, tmp_path):
    remote.answer_also({"GET /orders/o1": Reply(404, {"error": "gone"})})
    told = main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}", "token=open sesame")
    assert "Left out, because it is no JSON or an error: GET /orders/o1 (404)" in told


def test_a_remote_that_refuses_leaves_no_file(tmp_path):
    with (
        Remote({"GET /me": Reply(401)}) as remote,
        pytest.raises(SystemExit, match="Nothing was written: .*refused our cred"),
    ):
        main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}", "token=open sesame")
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_is_not_given_is_asked_for(remote, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("portal.testing.record.getpass", lambda words: asked.append(words) or "open sesame")
    main(NAMED, str(tmp_path / "a.json"), f"url={remote.url}")
    assert asked == ["Access token: "]
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["GET /me"] == {"shop": "Orchard Lane"}
