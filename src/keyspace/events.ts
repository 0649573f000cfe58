/**
 * The keyspace events by class, as `notify-keyspace-events` names the classes. A handler can only
 * name an event of this table, so one that nobody would publish does not compile.
 * Sources: behaviour of redis-server 7.0.15; documentation of Redis 7.4 and 8.x for later ones.
 */

/** The events of each class. */
export const eventsOfClass = {
  g: [
    'del',
    'expire',
    'persist',
    'rename_from',
    'rename_to',
    'move_from',
    'move_to',
    'copy_to',
    'restore',
  ],
  $: ['set', 'setrange', 'incrby', 'incrbyfloat', 'append', 'setbit', 'pfadd'],
  l: ['lpush', 'rpush', 'lpop', 'rpop', 'linsert', 'lset', 'ltrim', 'lrem', 'sortstore'],
  s: ['sadd', 'srem', 'spop', 'sinterstore', 'sunionstore', 'sdiffstore'],
  h: ['hset', 'hincrby', 'hincrbyfloat', 'hdel', 'hexpire', 'hpersist', 'hexpired'],
  z: [
    'zadd',
    'zincr',
    'zrem',
    'zremrangebyscore',
    'zremrangebyrank',
    'zremrangebylex',
    'zpopmin',
    'zpopmax',
    'zunionstore',
    'zinterstore',
    'zdiffstore',
    'zrangestore',
    'geosearchstore',
    'georadiusstore',
  ],
  t: [
    'xadd',
    'xdel',
    'xtrim',
    'xsetid',
    'xcfgset',
    'xgroup-create',
    'xgroup-createconsumer',
    'xgroup-setid',
    'xgroup-destroy',
    'xgroup-delconsumer',
  ],
  x: ['expired'],
  e: ['evicted'],
  n: ['new'],
  m: ['keymiss'],
} as const;

/** A change that has no event. */
export const NO_EVENT = '';

/** The name of a keyspace event. */
export type KeyEvent = (typeof eventsOfClass)[keyof typeof eventsOfClass][number] | typeof NO_EVENT;
