"""The command line: one file a command group; asks services, follows runs, prints results."""
