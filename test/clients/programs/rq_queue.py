"""python3-rq: jobs are queued, worked off in this process, and their results read."""
import sys

import jobs
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Retry

connection = Redis(port=int(sys.argv[1]))
queue = Queue("work", connection=connection)
done = [queue.enqueue(jobs.add, i, 1) for i in range(10)]
after = queue.enqueue(jobs.add, 40, 2, depends_on=done[0])
bad = queue.enqueue(jobs.fail, retry=Retry(max=1))
SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
assert [job.result for job in done] == list(range(1, 11))
after.refresh()
assert after.result == 42
bad.refresh()
assert bad.is_failed and "as expected" in bad.exc_info
assert len(queue) == 0 and len(queue.failed_job_registry) == 1
print("ok")
