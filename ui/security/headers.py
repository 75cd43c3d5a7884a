"""What a browser is told about every answer: no frames, nothing from elsewhere, nothing kept."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

# Gradio 6.31 has scripts and styles inside its page and makes functions of texts (gr.HTML's
# templates and js_on_load, plotly), so 'unsafe-inline' and 'unsafe-eval' cannot go; pictures and
# fonts of its parts are data: and blob:. Nothing comes from another host.
PAGE = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
FORM = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
"""For our own pages without any script."""
DEAD = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For documents that somebody may have brought along: shown, never run."""

SAME = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
NEVER_KEPT = ("text/html", "application/json")
DOCUMENTS = ("image/svg+xml", "text/xml", "application/xml", "application/xhtml+xml")
FORMS = ("/login", "/logout", "/language", "/oidc/start", "/oidc/callback")


def set_security_headers(headers: MutableHeaders, path: str) -> None:
    """Set the headers of safety on an answer; what an inner application set of them is replaced."""
    for name in [name for name in headers if name.startswith("access-control-")]:
        del headers[name]
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    headers.update(SAME)
    headers["Content-Security-Policy"] = _content(path, kind)
    if kind in NEVER_KEPT:
        headers["Cache-Control"] = "no-store"


def _content(path: str, kind: str) -> str:
    if path in FORMS:
        return FORM
    return DEAD if kind in DOCUMENTS else PAGE
