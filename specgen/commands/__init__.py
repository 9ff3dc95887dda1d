"""One module a command line verb; each has ``run(arguments)``. They parse, call, and print; nothing else."""
