"""One module per protocol; each is loaded when first used, because the SDKs behind them take seconds to import."""
