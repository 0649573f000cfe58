"""What the queues of queues.py run."""


def add(a, b):
    return a + b


def fail():
    raise ValueError("as expected")
