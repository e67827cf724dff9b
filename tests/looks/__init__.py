"""How the portal looks: every page in every state, held to what people need to read and use it.

`scenes.py` is the catalogue. A scene is a coroutine `(world, browser)` that leaves the browser, which has no screen and
runs no script, where it is to be looked at; `@scene("name", "/path as in PAGES")` adds it:

    @scene("profile", "/profile")
    async def _profile(world, browser):
        await signed_in(world, browser, "/profile")

What a document tells by itself is said of it in `test_documents.py`. How it is laid out, and who can read and reach it,
is said by Chromium, which is shown that document, in `test_scenes.py`. `python -m tests.looks.screenshots DIR [--only
name]` writes a picture of each scene and kind of mail, at two widths, light and dark.
"""
