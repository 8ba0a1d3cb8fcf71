"""How browser tests and screenshots go from one page to the next."""


def follow(tab, target):
    """Clicks a link or button and waits until the next page has loaded."""
    with tab.expect_navigation():
        tab.click(target)
