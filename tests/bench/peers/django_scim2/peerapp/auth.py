"""The cheapest bearer check there is: one token, compared in memory."""

from __future__ import annotations

import hmac
import os

from django.http import HttpResponse

TOKEN = os.environ.get("BENCH_TOKEN", "bench-token").encode()


class Client:
    is_authenticated = True
    is_anonymous = False


CLIENT = Client()


class BearerMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(token.encode(), TOKEN):
            return HttpResponse(status=401)
        request.user = CLIENT
        return self.get_response(request)
