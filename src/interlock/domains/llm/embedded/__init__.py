"""The models inside the product: they work with no key and no network, and load nothing until first used."""
