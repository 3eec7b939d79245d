"""Knowledge: files people and agents hand in, their text, the passages it falls into, and finding those again."""
