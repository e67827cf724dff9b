"""Saying Yes where a page asks whether what a mailed link has led to is meant."""


async def surely(browser, button, **typed):
    """Press a button, and say on the page that asks that it is meant."""
    await browser.press(button, **typed)
    return await say_yes(browser)


async def say_yes(browser):
    return await browser.press("Continue", sure="yes")
