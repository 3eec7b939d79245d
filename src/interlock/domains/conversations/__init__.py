"""Conversations: threads of messages over every channel, with gapless numbering and one turn at a time."""
