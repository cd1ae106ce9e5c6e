"""The demo never touches what it did not make."""

import pytest
from django.core.management.base import CommandError

from portal.demo.management.commands.demo import DATABASE, claim


def test_a_portal_that_no_demo_made_is_left_alone(tmp_path):
    (tmp_path / DATABASE).write_text("a company's orders")
    with pytest.raises(CommandError, match="was not made by a demo"):
        claim(tmp_path, tmp_path / DATABASE)
    assert (tmp_path / DATABASE).read_text() == "a company's orders"


def test_a_database_elsewhere_is_not_the_demos(tmp_path):
    with pytest.raises(CommandError, match="keeps to its own database"):
        claim(tmp_path, "postgres")


def test_a_demos_own_directory_is_taken_again(tmp_path):
    claim(tmp_path, tmp_path / DATABASE)
    (tmp_path / DATABASE).touch()
    claim(tmp_path, tmp_path / DATABASE)
