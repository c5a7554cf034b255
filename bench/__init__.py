"""How fast the product is, as ratios to what the machine can do in the same minute: `make bench`."""
