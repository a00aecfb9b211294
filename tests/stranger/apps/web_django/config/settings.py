"""The settings of the project."""

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = ["reports"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
