"""How an area's figures come about: a set is fixed, checked, opened by trustees, and published.

`closing` fixes sets, `opening` takes them through their stages, `asking` speaks to trustees in
pages, `composing` makes of opened slots what is published. Only `service` knows the link.
"""
