"""How tests and pictures get from one page to the next."""


def follow(tab, target):
    """Clicks what leads to another page, and waits until that page is there."""
    with tab.expect_navigation():
        tab.click(target)
