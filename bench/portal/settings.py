"""The portal's own settings, with the test-bed's connectors in the place of installed plugins."""

from importlib.metadata import EntryPoint

from config.settings import *  # noqa: F403
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PORTAL, PluginSource

_HERE = "bench.portal.connectors"
_SOURCE = PluginSource("bench", _HERE, PORTAL, "1", EntryPoint("bench", _HERE, GROUP))
PLUGINS = Admissions((Admission(_SOURCE, State.ADMITTED),))

# An empty view beside the portal's own, to compare the acceptance of webhooks with.
ROOT_URLCONF = "bench.portal.urls"

# Pages name their static files as they are: nothing was collected here.
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
