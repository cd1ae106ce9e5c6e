import os
from urllib.parse import parse_qs, urlsplit

_DATABASE = urlsplit(os.environ["BENCH_DATABASE"])
SECRET_KEY = "bench"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_q",
    "bench.candidates.project",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DATABASE.path.strip("/"),
        "USER": "postgres",
        "HOST": parse_qs(_DATABASE.query)["host"][0],
        "CONN_MAX_AGE": 60,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
Q_CLUSTER = {
    "name": "bench",
    "workers": 2,
    "timeout": 60,
    "retry": 120,
    "save_limit": 250,
    "redis": f"unix://{os.environ['BENCH_REDIS']}",
}
