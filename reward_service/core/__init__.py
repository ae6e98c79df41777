"""Computes and does nothing else: values in, values out."""
