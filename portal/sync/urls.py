from django.urls import path

from portal.sync.alive import health
from portal.sync.views import hook

urlpatterns = [path("hooks/<slug:slug>/", hook, name="hook"), path("health/", health, name="health")]
