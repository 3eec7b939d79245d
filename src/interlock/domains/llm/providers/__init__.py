"""One module per protocol; those that need an SDK load when first used, because SDKs take seconds to import."""
