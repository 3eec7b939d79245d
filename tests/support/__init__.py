"""What tests of every room share: databases, ports and the network guard."""
