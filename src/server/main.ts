/**
 * A server as a process: log lines, pid file, signals and exit codes as redis-server has them.
 */
import { writeFileSync } from 'node:fs';
import type { ShutdownRequest } from '../commands/ports/lifecycle.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/errors.ts';
import { ListenError } from '../net/listen-error.ts';
import { configAdvice, listenAdvice } from './advice.ts';
import { fitMaxClients } from './file-limit.ts';
import { LoadError } from './loading.ts';
import { machineMemory } from './machine-memory.ts';
import { inlineMoreSoon } from './optimizer.ts';
import { followTitle } from './process-title.ts';
import { Server } from './server.ts';
import { Supervisor } from './supervisor.ts';
import { Syslog } from './syslog.ts';
import { RESPITE_VERSION } from './version.ts';

/**
 * Runs a server until a signal or SHUTDOWN ends it. Exits with 1 when it cannot start.
 * `isConfigured` tells whether anything was asked of it at all.
 */
export async function runServer(config: Config, isConfigured: boolean): Promise<void> {
  // Whoever read our output has gone (`respite | head`): no reason to stop serving.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const server = createOrExit(config);
  if (config.bool('syslog-enabled')) {
    const { logger } = server;
    logger.syslog = new Syslog(config.string('syslog-ident'), config.string('syslog-facility'));
  }
  server.fitMemory(machineMemory());
  server.log('notice', 'oO0OoO0OoO0Oo respite is starting oO0OoO0OoO0Oo');
  const version = `version=${RESPITE_VERSION}, bits=64, pid=${process.pid}, just started`;
  server.log('notice', `respite ${version}`);
  if (!isConfigured) {
    server.log('warning', 'Warning: no config file specified, using the default config.');
  } else server.log('notice', 'Configuration loaded');
  for (const name of config.unknownVariables) {
    server.log('warning', `Warning: the environment variable ${name} names no directive.`);
  }
  process.on('uncaughtException', (error) => {
    server.log('warning', `The process ends: ${String(error.name)}`);
    server.reportCrash(error);
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
  handleSignals(server);
  const supervisor = supervise(server, config);
  if (!fitMaxClients(config, (level, message) => server.log(level, message))) process.exit(1);
  inlineMoreSoon();
  followTitle(config, process.argv[1] ?? '');
  try {
    await server.listen();
  } catch (error) {
    if (!(error instanceof ListenError || error instanceof LoadError)) throw error;
    const advice = error instanceof ListenError ? listenAdvice(error) : adviceFor(error);
    if (advice !== undefined) server.log('warning', advice);
    process.exit(1);
  }
  for (const line of waysIn(server)) server.log('notice', line);
  writePidFile(server, config);
  supervisor.ready();
}

function supervise(server: Server, config: Config): Supervisor {
  const supervisor = new Supervisor({
    wanted: config.string('supervised'),
    env: process.env,
    log: (level, message) => server.log(level, message),
  });
  server.lifecycle.supervisedBy = supervisor.manager;
  server.lifecycle.onStopping = () => supervisor.stopping();
  supervisor.starting();
  return supervisor;
}

function createOrExit(config: Config): Server {
  try {
    return new Server(config, { exit: (code) => process.exit(code) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    exitWith(error);
  }
}

/** Says what is wrong with the configuration and what to do, and ends the process. */
export function exitWith(error: ConfigError): never {
  const advice = configAdvice(error, process.argv.slice(2));
  process.stderr.write(`${error.report(RESPITE_VERSION)}${advice}\n`);
  process.exit(1);
}

function adviceFor(error: LoadError): string | undefined {
  return error.isAdvised ? undefined : loadAdvice;
}

const loadAdvice =
  'Nothing was changed. "respite check aof FILE" tells what is wrong; with the file moved away the ' +
  'server starts empty.';

/** How one connects, as people type it. */
function waysIn({ config, endpoints }: Server): string[] {
  const host = endpoints.host.includes(':') ? `[${endpoints.host}]` : endpoints.host;
  const ways: string[] = [];
  const port = config.number('port');
  const tlsPort = config.number('tls-port');
  const path = config.path('unixsocket');
  if (port !== 0) ways.push(`Connect with redis://${host}:${port}, or: redis-cli -p ${port}`);
  if (tlsPort !== 0) {
    ways.push(`Connect with rediss://${host}:${tlsPort}, or: redis-cli --tls -p ${tlsPort}`);
  }
  if (path !== '') ways.push(`Connect with: redis-cli -s ${path}`);
  return ways;
}

function writePidFile(server: Server, config: Config): void {
  const path = config.path('pidfile') || (config.bool('daemonize') ? '/var/run/respite.pid' : '');
  if (path === '') return;
  try {
    writeFileSync(path, `${process.pid}\n`);
    server.lifecycle.pidFile = path;
  } catch (error) {
    server.log('warning', `Failed to write PID file: ${String(error)}`);
  }
}

function handleSignals(server: Server): void {
  const end = (signal: 'SIGTERM' | 'SIGINT', flags: () => string) => () => {
    if (server.lifecycle.isEnding && signal === 'SIGINT') {
      server.log('warning', 'You insist... exiting now.');
      process.exit(1);
    }
    server.log('warning', `Received ${signal} scheduling shutdown...`);
    server.lifecycle.shutdownSoon(shutdownRequest(flags().split(' ')));
  };
  process.on(
    'SIGTERM',
    end('SIGTERM', () => server.config.string('shutdown-on-sigterm')),
  );
  process.on(
    'SIGINT',
    end('SIGINT', () => server.config.string('shutdown-on-sigint')),
  );
  process.on('SIGHUP', () => {});
}

/** The flags of shutdown-on-sigint and -sigterm as SHUTDOWN has them. */
function shutdownRequest(flags: readonly string[]): ShutdownRequest {
  const save = flags.includes('save') ? 'save' : flags.includes('nosave') ? 'nosave' : 'default';
  return { save, now: flags.includes('now'), force: flags.includes('force'), abort: false };
}
