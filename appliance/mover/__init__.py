"""The child process that runs one disk task: `python -m appliance.mover`."""
