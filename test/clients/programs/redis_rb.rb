# ruby-redis (redis-rb 4) against the server at ARGV[0]: prints "ok" when all of it works.
require 'redis'

def check(what, value)
  abort("failed: #{what}") unless value
end

r = Redis.new(port: ARGV[0].to_i)
check 'set', r.set('rb:k', 'v', px: 10_000, nx: true) && r.get('rb:k') == 'v'
check 'hash', r.hset('rb:h', 'a', 1, 'b', 2) == 2 && r.hgetall('rb:h') == { 'a' => '1', 'b' => '2' }
check 'multi', r.multi { |m| m.incr('rb:n'); m.incr('rb:n') } == [1, 2]
check 'pipelined', r.pipelined { |p| p.ping; p.get('rb:k') } == %w[PONG v]
check 'zset', r.zadd('rb:z', [[1, 'x'], [2.5, 'y']]) == 2 && r.zrange('rb:z', 0, -1, with_scores: true) == [['x', 1.0], ['y', 2.5]]
check 'eval', r.eval('return {KEYS[1], ARGV[1]}', ['a'], ['b']) == %w[a b]
r.rpush('rb:l', %w[a b])
check 'blpop', r.blpop('rb:l', timeout: 1) == %w[rb:l a]
check 'scan', r.scan_each(match: 'rb:*').to_a.sort == %w[rb:h rb:k rb:l rb:n rb:z]
got = Thread.new do
  Redis.new(port: ARGV[0].to_i).subscribe('rb:c') { |on| on.message { |_, m| Thread.current[:m] = m; throw(:done) } }
rescue UncaughtThrowError
  nil
end
200.times { break if got[:m]; r.publish('rb:c', 'hello'); sleep 0.01 }
check 'subscribe', got[:m] == 'hello'
check 'binary', r.set('rb:b', "\x00\xff\r\n".b) && r.get('rb:b').b == "\x00\xff\r\n".b
check 'info', r.info['redis_version']
begin
  r.incr('rb:h')
  abort 'no error'
rescue Redis::CommandError => e
  check 'error', e.message.start_with?('WRONGTYPE')
end
puts 'ok'
