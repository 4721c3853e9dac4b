"""The sub-commands of ``rollrisk``, one module each."""
