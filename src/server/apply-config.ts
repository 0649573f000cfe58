/**
 * Directives that have a running counterpart: which action follows from which names. `applyConfig`
 * runs all actions once and has each run again when CONFIG SET changes one of its names.
 *
 * An action may throw CommandError: CONFIG SET is refused then, and the action runs
 * again with the old values. It must never wait.
 */
import { constants } from 'node:buffer';
import { maxStringBytes } from '../commands/string/string-value.ts';
import type { Config } from '../config/config.ts';
import type { Limits } from '../datatypes/value.ts';
import type { Compactor } from '../keyspace/compactor.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { ParserLimits } from '../resp/request-parser.ts';
import type { Tracking } from '../tracking/tracking.ts';
import type { Acl } from './acl.ts';
import { clientsLimit } from './client-memory.ts';
import type { Clients } from './clients.ts';
import type { Cron } from './cron.ts';
import type { Endpoints } from './endpoints.ts';
import type { Eviction } from './eviction.ts';
import type { Gates } from './gates.ts';
import type { Log } from './log.ts';
import { memoryLimit } from './machine-memory.ts';
import type { MetricsServer } from './metrics-server.ts';
import type { Notifications } from './notifications.ts';
import type { OomScore } from './oom-score.ts';
import type { OutputLimits } from './output-limits.ts';
import type { Persistence } from './persistence.ts';
import type { SlowCalls } from './slow-calls.ts';

/** Longest argument: as a key or a channel it must fit a string, with some text around it. */
const ARGUMENT_MAX = constants.MAX_STRING_LENGTH - 1024;

/** What configuration acts on. */
export interface Configured {
  readonly acl: Acl;
  readonly clients: Clients;
  readonly cron: Cron;
  readonly endpoints: Endpoints;
  readonly defrag: Compactor;
  readonly eviction: Eviction;
  readonly gates: Gates;
  readonly keyspace: Keyspace;
  readonly logger: Log;
  readonly metrics: MetricsServer;
  readonly notifications: Notifications;
  readonly oomScore: OomScore;
  readonly outputLimits: OutputLimits;
  readonly persistence: Persistence;
  readonly parserLimits: ParserLimits;
  readonly slowCalls: SlowCalls;
  readonly tracking: Tracking;
}

/** `changed`: by CONFIG SET, not as the server starts. */
type Action = (config: Config, target: Configured, changed: boolean) => void;

/** Directives that are a bound of an encoding, and where the keyspace keeps it. */
const encodingLimits: Readonly<Record<string, keyof Limits>> = {
  'hash-max-listpack-entries': 'hashListpackEntries',
  'hash-max-listpack-value': 'hashListpackValue',
  'set-max-intset-entries': 'setIntsetEntries',
  'set-max-listpack-entries': 'setListpackEntries',
  'set-max-listpack-value': 'setListpackValue',
  'zset-max-listpack-entries': 'zsetListpackEntries',
  'zset-max-listpack-value': 'zsetListpackValue',
  'list-max-listpack-size': 'listListpackSize',
  'stream-node-max-bytes': 'streamNodeBytes',
  'stream-node-max-entries': 'streamNodeEntries',
  'active-defrag-max-scan-fields': 'movedAtOnce',
};

/** What goes into the contexts of TLS. */
const tlsDirectives = [
  'tls-auth-clients',
  'tls-ca-cert-dir',
  'tls-ca-cert-file',
  'tls-cert-file',
  'tls-ciphers',
  'tls-ciphersuites',
  'tls-client-cert-file',
  'tls-client-key-file',
  'tls-client-key-file-pass',
  'tls-cluster',
  'tls-dh-params-file',
  'tls-key-file',
  'tls-key-file-pass',
  'tls-prefer-server-ciphers',
  'tls-protocols',
  'tls-replication',
  'tls-session-cache-timeout',
  'tls-session-caching',
];

/** One row per action: the names whose change it follows. */
const actions: readonly (readonly [names: readonly string[], action: Action])[] = [
  [
    ['loglevel', 'logfile', 'log-format'],
    (config, { logger }) => {
      logger.format = config.string('log-format');
      logger.level = config.string('loglevel');
      logger.file = config.string('logfile');
    },
  ],
  [['requirepass'], (config, { acl }) => acl.setDefaultPassword(config.string('requirepass'))],
  [
    ['lazyfree-lazy-expire'],
    (config, { keyspace }) => {
      // Large values are freed in slices anyway: the name in the journal is all that differs.
      const { journal } = keyspace.changes;
      journal.removalOfExpired = config.bool('lazyfree-lazy-expire') ? 'UNLINK' : 'DEL';
    },
  ],
  [
    [
      'maxmemory',
      'maxmemory-policy',
      'maxmemory-samples',
      'maxmemory-eviction-tenacity',
      'lazyfree-lazy-eviction',
    ],
    (config, { eviction }, changed) => eviction.configure(config, changed),
  ],
  [
    ['maxmemory-clients', 'maxmemory'],
    (config, { clients }) => {
      const setting = config.number('maxmemory-clients');
      clients.memory.limit = clientsLimit(setting, memoryLimit(config.number('maxmemory')));
    },
  ],
  [
    ['client-query-buffer-limit'],
    (config, { clients }) => {
      clients.queryBufferMax = config.number('client-query-buffer-limit');
    },
  ],
  [
    [
      'activedefrag',
      'active-defrag-ignore-bytes',
      'active-defrag-threshold-lower',
      'active-defrag-threshold-upper',
      'active-defrag-cycle-min',
      'active-defrag-cycle-max',
    ],
    (config, { defrag }) => {
      defrag.settings = {
        enabled: config.bool('activedefrag'),
        ignoreBytes: config.number('active-defrag-ignore-bytes'),
        thresholdLower: config.number('active-defrag-threshold-lower'),
        thresholdUpper: config.number('active-defrag-threshold-upper'),
        cycleMin: config.number('active-defrag-cycle-min'),
        cycleMax: config.number('active-defrag-cycle-max'),
      };
    },
  ],
  [
    ['lfu-log-factor', 'lfu-decay-time'],
    (config, { keyspace }) => {
      keyspace.lfu.logFactor = config.number('lfu-log-factor');
      keyspace.lfu.decayMinutes = config.number('lfu-decay-time');
    },
  ],
  [
    ['tracking-table-max-keys'],
    (config, { tracking }) => {
      tracking.keysMax = config.number('tracking-table-max-keys');
    },
  ],
  [
    ['proto-max-bulk-len'],
    (config, { parserLimits }) => {
      parserLimits.maxBulkBytes = Math.min(maxStringBytes(config), ARGUMENT_MAX);
    },
  ],
  [
    Object.keys(encodingLimits),
    (config, { keyspace }) => {
      for (const [name, limit] of Object.entries(encodingLimits)) {
        keyspace.limits[limit] = config.number(name);
      }
    },
  ],
  [
    ['client-output-buffer-limit', 'repl-backlog-size'],
    (config, { outputLimits }) => outputLimits.update(config),
  ],
  [
    ['notify-keyspace-events'],
    (config, { notifications }) => {
      notifications.configure(config.string('notify-keyspace-events'));
    },
  ],
  [
    [
      'save',
      'appendonly',
      'appendfsync',
      'no-appendfsync-on-rewrite',
      'aof-timestamp-enabled',
      'stop-writes-on-bgsave-error',
      'aof-disable-auto-gc',
    ],
    (_config, { persistence }) => persistence.configure(),
  ],
  [
    [
      'slowlog-log-slower-than',
      'slowlog-max-len',
      'latency-monitor-threshold',
      'latency-tracking',
      'commandlog-request-larger-than',
      'commandlog-reply-larger-than',
      'commandlog-large-request-max-len',
      'commandlog-large-reply-max-len',
    ],
    (config, { slowCalls }) => slowCalls.configure(config),
  ],
  [['hz'], (_config, { cron }) => cron.restart()],
  [['metrics-port', 'metrics-bind'], (_config, { metrics }) => metrics.move()],
  [
    ['oom-score-adj', 'oom-score-adj-values'],
    (_config, { oomScore }, changed) => {
      // As the server starts it is not yet known what it is.
      if (changed) oomScore.apply();
    },
  ],
  [['port'], (_config, { endpoints }) => endpoints.movePort()],
  [['tls-port'], (_config, { endpoints }) => endpoints.moveTlsPort()],
  [['bind'], (_config, { endpoints }) => endpoints.moveAddresses()],
  [tlsDirectives, (_config, { endpoints }) => endpoints.reloadTls()],
];

/** Brings `target` in line with `config`, now and whenever a directive changes. */
export function applyConfig(config: Config, target: Configured): void {
  for (const [names, action] of actions) {
    action(config, target, false);
    for (const name of names) config.onChange(name, () => action(config, target, true));
  }
}
