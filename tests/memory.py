"""How much memory a process of its own had at most."""

# For a process of its own: MB that it had at most. Not getrusage's, which begins with what the
# process that forked it had.
MOST_MEMORY = """
def most_memory():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) // 1024
    except OSError:  # not Linux
        return 0
"""
