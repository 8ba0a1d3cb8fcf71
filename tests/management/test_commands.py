"""What holds for every command."""

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

COMMANDS = sorted(name for name, app in get_commands().items() if app == "predictor")
FOR_COMMANDS = {
    "add_arguments",
    "create_parser",
    "handle",
    "help",
    "requires_system_checks",
    "stealth_options",
}
"""What a command may set; any other name of BaseCommand's, such as check, is Django's own."""


@pytest.mark.once
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_replaces_a_method_that_django_calls(name):
    own = set(vars(type(load_command_class("predictor", name))))
    inherited = {attribute for attribute in dir(BaseCommand) if not attribute.startswith("__")}
    assert own & inherited <= FOR_COMMANDS
