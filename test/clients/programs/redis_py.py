"""python3-redis (redis-py 4) against the server at argv[1]: prints "ok" when all of it works."""
import sys
import threading
import time

import redis

r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
assert r.ping()
assert r.set("k", "v", px=10000, nx=True) and r.get("k") == "v" and 0 < r.pttl("k") <= 10000
assert r.hset("h", mapping={"a": 1, "b": 2.5}) == 2 and r.hgetall("h") == {"a": "1", "b": "2.5"}
r.rpush("l", *range(10))
assert r.lrange("l", -2, -1) == ["8", "9"] and r.blpop("l", timeout=1) == ("l", "0")
r.zadd("z", {"x": 1, "y": 2})
assert r.zrange("z", 0, -1, withscores=True) == [("x", 1.0), ("y", 2.0)]
assert sorted(r.scan_iter("[hlz]")) == ["h", "l", "z"]
with r.pipeline() as pipe:
    pipe.watch("k")
    pipe.multi()
    pipe.incr("n").incr("n").get("k")
    assert pipe.execute() == [1, 2, "v"]
script = r.register_script("return redis.call('incrby', KEYS[1], ARGV[1])")
assert script(keys=["n"], args=[5]) == 7
with r.lock("lock", timeout=5, blocking_timeout=1):
    assert not r.lock("lock").acquire(blocking=False)
assert not r.exists("lock")
stream_id = r.xadd("s", {"f": "v"})
r.xgroup_create("s", "g", id="0")
assert r.xreadgroup("g", "me", {"s": ">"}) == [["s", [(stream_id, {"f": "v"})]]]
assert r.xack("s", "g", stream_id) == 1
p = r.pubsub(ignore_subscribe_messages=True)
got = []
p.subscribe(c=lambda message: got.append(message["data"]))
thread = p.run_in_thread(sleep_time=0.01, daemon=True)
for _ in range(500):
    if got:
        break
    r.publish("c", "hello")
    time.sleep(0.01)
thread.stop()
assert got[0] == "hello"
assert r.info()["redis_version"] and "used_memory" in r.info("memory")
assert r.config_get("maxmemory") and r.client_list() and r.memory_usage("k") > 0
assert isinstance(r.slowlog_get(), list) and r.slowlog_len() >= 0 and r.slowlog_reset()
assert len(r.command()) > 200 and r.module_list() == []
assert r.geoadd("geo", (13.361389, 38.115556, "Palermo")) == 1 and r.pfadd("hll", 1, 2) == 1
try:
    r.incr("h")
    raise SystemExit("no error")
except redis.ResponseError as error:
    assert str(error).startswith("WRONGTYPE")
assert threading.active_count() < 10
print("ok")
