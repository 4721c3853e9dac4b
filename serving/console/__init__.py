"""The managers' console: pages on the service's port, and the papers made of them."""
