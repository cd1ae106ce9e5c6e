"""What the servers of these tests answer."""

from werkzeug import Response

SECRET = "very-secret-token"


def answers(httpserver, body="{}", status=200, **headers):
    httpserver.expect_request("/api/thing").respond_with_response(Response(body, status, headers))
