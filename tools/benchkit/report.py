"""The page that --report writes."""


def page(meta, rows):
    raise NotImplementedError
