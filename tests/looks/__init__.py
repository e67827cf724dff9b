"""How the portal looks: every page in every state, held in a real browser to what people need to read and use it.

`scenes.py` is the catalogue. A scene is a function `(stage, page)` that leaves the browser's page as it is to be looked
at; `@scene("name", "/path as in PAGES")` adds it, and the checks and the pictures then have it as well:

    @scene("profile", "/profile")
    def _profile(stage, page):
        signed_in(stage, page, "/profile")

`python -m tests.looks.screenshots DIR [--only name]` writes a picture of each scene and kind of mail, at two
widths, light and dark.
"""
