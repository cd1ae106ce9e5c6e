"""Which room answers which address. A room that serves pages brings its own `urls.py`."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("plugins/", include("portal.desk.plugin_pages")),
    path("", include("portal.sync.urls")),
]
