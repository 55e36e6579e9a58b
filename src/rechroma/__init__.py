"""Gives damaged gray photographs their color and their missing part back."""
