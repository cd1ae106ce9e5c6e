"""Who may do what. Looking is for everybody with a role; each button asks for its own permission."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.urls import reverse

from portal.connections.models import Connection, Reference
from portal.plugins.models import Plugin
from portal.sync.models import Backfill, Case, Event, Flow, Job, Operation
from portal.sync.models.memory import Quarantine
from tests import factories

BUTTONS = [
    (Connection, "test", "connections.test_connection"),
    (Connection, "read_now", "sync.change_job"),
    (Connection, "subscribe", "connections.change_connection"),
    (Connection, "add_secret", "connections.change_connection"),
    (Connection, "retire_secret", "connections.change_connection"),
    (Event, "read_again", "sync.change_event"),
    (Flow, "start", "sync.switch_flow"),
    (Flow, "rehearse", "sync.switch_flow"),
    (Flow, "pause", "sync.switch_flow"),
    (Flow, "resume", "sync.switch_flow"),
    (Flow, "back_to_draft", "sync.switch_flow"),
    (Flow, "backfill", "sync.add_backfill"),
    (Backfill, "pause", "sync.change_backfill"),
    (Backfill, "resume", "sync.change_backfill"),
    (Backfill, "stop", "sync.change_backfill"),
    (Case, "fetch_missing", "sync.add_backfill"),
    (Operation, "try_again", "sync.mend_operation"),
    (Operation, "mark_done", "sync.mend_operation"),
    (Operation, "cancel", "sync.mend_operation"),
    (Case, "try_all_again", "sync.mend_operation"),
    (Case, "assign_to_me", "sync.mend_case"),
    (Case, "resolve", "sync.mend_case"),
    (Reference, "tie", "connections.change_reference"),
    (Reference, "confirm", "connections.change_reference"),
    (Reference, "untie", "connections.change_reference"),
    (Job, "run_now", "sync.change_job"),
    (Plugin, "switch_off", "portal_plugins.switch_plugin"),
    (Plugin, "switch_on", "portal_plugins.switch_plugin"),
    (Plugin, "switch_off_for", "portal_plugins.switch_plugin"),
    (Plugin, "switch_on_for", "portal_plugins.switch_plugin"),
    (Plugin, "change_settings", "portal_plugins.change_plugin"),
    (Plugin, "seen_to", "portal_plugins.switch_plugin"),
]

AFTER_A_RESTORE = [(Quarantine, "end_now", "sync.end_quarantine")]
"""Tried in test_quarantine.py: only a restored portal has such a row."""


def press(client, row, name, **answers):
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_do", args=[row.pk, name])
    return client.post(address, answers)


def page(client, row):
    return client.get(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]))


def test_every_button_there_is_stands_in_the_table_of_this_test():
    from django.contrib import admin

    there = {
        (model, name, screen.button(name).permission)
        for model, screen in admin.site._registry.items()
        for name in getattr(screen, "buttons", ())
    }
    assert there == {*BUTTONS, *AFTER_A_RESTORE}


@pytest.mark.parametrize(("model", "name", "permission"), BUTTONS)
def test_a_viewer_can_press_nothing(world, as_role, model, name, permission):
    viewer, row = as_role("viewer"), model.objects.first()

    assert press(viewer, row, name, reason="because").status_code == 403
    assert b'class="desk-buttons"' not in page(viewer, row).content


@pytest.mark.parametrize(("model", "name", "permission"), BUTTONS)
def test_a_button_needs_its_own_permission_and_no_other(
    world, client, roles, model, name, permission, monkeypatch
):
    monkeypatch.setattr("portal.desk.screens.connections.probe", lambda row: (True, "Fine."))
    monkeypatch.setattr("portal.sync.hooks.opened", _nobody_is_there)
    person, row = factories.user("one", "viewer"), model.objects.first()
    app, _, codename = permission.partition(".")
    person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(person)

    assert press(client, row, name).status_code in (200, 302)  # asks what it needs to know, or goes back


def _nobody_is_there(row):
    raise ValueError("Nobody is there.")


@pytest.mark.parametrize(
    ("model", "action"),
    [
        (Operation, "try_again_chosen"),
        (Operation, "cancel_chosen"),
        (Case, "assign_chosen"),
        (Job, "run_chosen"),
        (Connection, "test_chosen"),
    ],
)
def test_a_viewer_is_offered_no_action_on_lists_and_cannot_send_one(world, as_role, model, action):
    viewer = as_role("viewer")
    place = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    before = list(model.objects.values().order_by("pk"))

    assert action.encode() not in viewer.get(place).content
    viewer.post(
        place,
        {"action": action, "_selected_action": [row["id"] for row in before], "reason": "x", "asked": "1"},
    )
    assert list(model.objects.values().order_by("pk")) == before


def test_a_button_is_pressed_by_post_only(world, boss):
    case = Case.objects.first()
    address = reverse("admin:sync_case_do", args=[case.pk, "assign_to_me"])

    assert boss.get(address).status_code == 405
    case.refresh_from_db()
    assert case.owner is None


def test_a_button_is_refused_without_the_form_s_token(world):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.user("boss", superuser=True))

    assert press(strict, Case.objects.first(), "assign_to_me").status_code == 403


@pytest.mark.parametrize("name", ["panels", "export", "delete_model", "nothing"])
def test_only_buttons_can_be_pressed_not_just_any_method(world, boss, name):
    assert press(boss, Case.objects.first(), name).status_code == 404


def test_a_viewer_sees_settings_but_no_form(world, as_role):
    text = page(as_role("viewer"), Connection.objects.get(slug="shop")).content.decode()

    assert "http://127.0.0.1:8001" in text
    assert "stored" in text
    assert 'name="setting_url"' not in text


def test_who_may_only_see_connections_sees_no_cases_on_their_pages(world, client):
    person = factories.user("narrow")
    person.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client.force_login(person)

    text = page(client, Connection.objects.get(slug="shop")).content.decode()
    assert "Open cases" not in text
    front = client.get(reverse("admin:index")).content.decode()
    assert "Open cases" not in front
    assert "Who feeds whom" not in front
    assert "Orders today" not in front


MAY = {
    "viewer": set(),
    "operator": {
        "sync.mend_operation",
        "sync.mend_case",
        "sync.switch_flow",
        "sync.change_job",
        "sync.add_backfill",
        "sync.change_backfill",
        "sync.change_event",
        "connections.test_connection",
    },
    "mapper": {"connections.change_reference", "sync.mend_case"},
    "finance": {"sync.mend_operation", "sync.mend_case"},
    "administrator": {permission for _, _, permission in BUTTONS},
}


@pytest.mark.parametrize(("role", "may"), MAY.items())
def test_each_role_may_press_just_its_buttons(roles, role, may):
    person = factories.user("one", role)

    assert {permission for _, _, permission in BUTTONS if person.has_perm(permission)} == may
    assert person.has_perm("records.view_order")


def test_making_the_roles_again_takes_back_what_somebody_added_and_keeps_the_people(roles):
    person = factories.user("one", "viewer")
    roles["viewer"].permissions.add(Permission.objects.get(codename="switch_flow"))

    call_command("create_roles", verbosity=0)

    person = User.objects.get(pk=person.pk)
    assert list(person.groups.values_list("name", flat=True)) == ["viewer"]
    assert not person.has_perm("sync.switch_flow")


def test_an_administrator_cannot_make_himself_or_anybody_a_superuser(as_role):
    administrator = as_role("administrator")
    owner, me = factories.user("owner", superuser=True), User.objects.get(username="administrator")
    change = reverse("admin:auth_user_change", args=[me.pk])

    assert b'name="is_superuser"' not in administrator.get(change).content
    administrator.post(
        change,
        {
            "username": "administrator",
            "is_superuser": "on",
            "is_active": "on",
            "is_staff": "on",
            "last_login_0": "",
            "last_login_1": "",
            "date_joined_0": "2026-01-01",
            "date_joined_1": "10:00",
        },
    )
    me.refresh_from_db()
    assert not me.is_superuser
    assert (
        administrator.post(
            reverse("admin:auth_user_password_change", args=[owner.pk]), {"password1": "x", "password2": "x"}
        ).status_code
        == 403
    )
    assert (
        administrator.post(reverse("admin:auth_user_delete", args=[owner.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_nobody_edits_the_schedule_or_sends_a_task_again(boss):
    from django_q.models import Schedule, Task

    schedule = Schedule.objects.create(func="portal.sync.tasks.tick", name="tick")
    Task.objects.create(
        id="a" * 32,
        name="x",
        func="os.system",
        args=("true",),
        started="2026-01-01T00:00Z",
        stopped="2026-01-01T00:00Z",
        success=False,
    )
    change = reverse("admin:django_q_schedule_change", args=[schedule.pk])

    assert boss.get(change).status_code == 200
    assert boss.post(change, {"func": "os.system", "name": "tick"}).status_code == 403
    assert boss.get(reverse("admin:django_q_schedule_add")).status_code == 403
    assert b"resubmit" not in boss.get(reverse("admin:django_q_failure_changelist")).content
    schedule.refresh_from_db()
    assert schedule.func == "portal.sync.tasks.tick"
