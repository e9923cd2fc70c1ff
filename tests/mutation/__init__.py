"""Mutation testing: change one thing of a module, and see whether a test notices.

drawing    which mutants of which modules, and the tests of these
operators  which changes are made
selection  which tests reach which line
forking    a process for each mutant, forked from one that has loaded all libraries
results    what is kept, by the hash of the changed code
report     scores, intervals, survivors
"""
