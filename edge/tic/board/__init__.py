"""Finds the line that a meter is on, and what has to change on a board before it can be read.

machine     what is there: board, system, files, USB adapters
boot_files  texts of config.txt and cmdline.txt, and what they lack
line        which line is the meter's, and the changes that make it readable
applying    makes changes to files, keeps what was before, and takes them back
words       what a household reads about it
"""
