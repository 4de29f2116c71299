"""Settings, from the environment where they differ between machines."""

import os
import secrets
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)  # without one, sessions end with each restart
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = [".localhost", "127.0.0.1", os.environ.get("RAILWAY_PUBLIC_DOMAIN", "").partition(":")[0] or "localhost"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "pages"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# a file beside the app: fine to begin with. Every release starts with a new one, so read DATABASE_URL once data matters
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
