"""The optional panel: up to three lights and a button.

model   what the lights show and what a press means, without pins
panel   the pins: lights and button, by gpiozero
"""
