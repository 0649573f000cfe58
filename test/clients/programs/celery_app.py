"""python3-celery with the server as broker and as store of results; the worker is a thread."""
import os
import sys

from celery import Celery, chain, group
from celery.contrib.testing.worker import start_worker

url = "redis://127.0.0.1:%s/0" % (sys.argv[1] if len(sys.argv) > 1 else os.environ["PORT"])
app = Celery("app", broker=url, backend=url)
app.conf.worker_hijack_root_logger = False


@app.task
def add(a, b):
    return a + b


if __name__ == "__main__":
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="CRITICAL"):
        assert add.delay(1, 2).get(timeout=20) == 3
        assert chain(add.s(1, 2), add.s(10))().get(timeout=20) == 13
        assert sorted(group(add.s(i, i) for i in range(5))().get(timeout=20)) == [0, 2, 4, 6, 8]
        later = add.apply_async((2, 2), countdown=0.2)
        assert later.get(timeout=20) == 4
    print("ok")
    sys.stdout.flush()
    os._exit(0)
