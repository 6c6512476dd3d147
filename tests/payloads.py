"""Texts of strangers that a page must show and never execute, and files that are called so."""

from __future__ import annotations

MARK = "window.pwned=1;document.title=1;"
PAYLOADS = (
    f"<img src=x onerror={MARK}>",
    f'"><img src=x onerror="{MARK}">',
    f"'><svg onload='{MARK}'>",
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f"--></script><script>{MARK}//<!--",
    f"<!--<script>{MARK}",
    f"<iframe srcdoc='<script>parent.{MARK}</script>'></iframe>",
    f"<a href='javascript:{MARK}'>look</a>",
    f"javascript:{MARK}",
    f"data:text/html,<script>{MARK}</script>",
    f"<meta http-equiv=refresh content='0;javascript:{MARK}'>",
    "<base href='https://elsewhere.example/'>",
    "<link rel=stylesheet href='https://elsewhere.example/x.css'>",
    "<style>*{background:url(https://elsewhere.example/)}</style>",
    f"{{{{constructor.constructor('{MARK}')()}}}}",
    f"${{{MARK}}}",
    f"`-eval('{MARK}')-`",
    f"\u2028{MARK}\u2029",
    f"'];{MARK}['",
    f"<details open ontoggle={MARK}>",
    "__proto__",
)
SOURCES = tuple(f"{number}-{text.replace('/', '%2f')[:120]}.png" for number, text in enumerate(PAYLOADS))
