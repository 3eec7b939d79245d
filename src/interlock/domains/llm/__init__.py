"""Language models: providers, routes, prices, completion, embeddings, and the models that come with the product."""
