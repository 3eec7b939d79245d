"""Chatbots: a model with instructions and knowledge that anybody may talk to from a page, at its owner's cost."""
