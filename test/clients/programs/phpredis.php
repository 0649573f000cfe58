<?php
// php-redis (phpredis 5) against the server at argv[1]: prints "ok" when all of it works.
function check($what, $value) { if (!$value) { echo "failed: $what\n"; exit(1); } }
$r = new Redis();
check('connect', $r->connect('127.0.0.1', (int)$argv[1]));
check('set', $r->set('php:k', 'v', ['nx', 'px' => 10000]) && $r->get('php:k') === 'v');
check('hash', $r->hMSet('php:h', ['a' => 1, 'b' => 2]) && $r->hGetAll('php:h') === ['a' => '1', 'b' => '2']);
check('multi', $r->multi()->incr('php:n')->get('php:k')->exec() === [1, 'v']);
check('pipeline', $r->pipeline()->ping('x')->incr('php:n')->exec() === ['x', 2]);
check('eval', $r->eval('return {KEYS[1], ARGV[1]}', ['a', 'b'], 1) === ['a', 'b']);
$r->zAdd('php:z', 1, 'x', 2.5, 'y');
check('zset', $r->zRange('php:z', 0, -1, true) === ['x' => 1.0, 'y' => 2.5]);
$it = null; $found = [];
while (($keys = $r->scan($it, 'php:*')) !== false) { $found = array_merge($found, $keys); if ($it == 0) break; }
sort($found);
check('scan', $found === ['php:h', 'php:k', 'php:n', 'php:z']);
check('stream', $r->xAdd('php:s', '*', ['f' => 'v']) && count($r->xRange('php:s', '-', '+')) === 1);
$r->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
check('serializer', $r->set('php:o', ['a' => [1, 2]]) && $r->get('php:o') === ['a' => [1, 2]]);
check('info', isset($r->info()['redis_version']));
// Sessions, as web servers keep them.
ini_set('session.save_handler', 'redis');
ini_set('session.save_path', "tcp://127.0.0.1:{$argv[1]}");
ini_set('session.use_cookies', '0'); ini_set('session.cache_limiter', '');
session_id('abc'); session_start(); $_SESSION['user'] = 'alice'; session_write_close();
$_SESSION = []; session_start();
check('session', $_SESSION['user'] === 'alice');
echo "ok\n";
