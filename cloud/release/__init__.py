"""Area figures: a set is fixed, checked, opened by trustees, and published.

`closing` fixes sets, `opening` takes them through their stages, `asking` exchanges pages with
trustees, `composing` turns opened slots into a release. Only `service` uses the link.
"""
