/**
 * The service manager that started the process, told when clients are served and when they will be
 * no more. Source: rules and texts of redis-server 7.0.15; the protocol is sd_notify(3).
 *
 * systemd listens on a datagram socket, which Node cannot send to; its own program, systemd-notify,
 * does. A unit needs `NotifyAccess=all`, because that program is a child of ours
 * (docs/decisions/0022-running.md).
 */
import type { LogLevel } from './log.ts';

/** What INFO calls it. */
export type Manager = 'no' | 'upstart' | 'systemd';

export interface SupervisorOptions {
  /** The directive `supervised`. */
  readonly wanted: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (level: LogLevel, message: string) => void;
}

/** Who watches the process, by the directive `supervised` and the environment. */
export function managerOf(wanted: string, env: NodeJS.ProcessEnv): Manager {
  const { NOTIFY_SOCKET: socket, UPSTART_JOB: job } = env;
  if ((wanted === 'auto' || wanted === 'upstart') && job !== undefined) return 'upstart';
  if ((wanted === 'auto' || wanted === 'systemd') && socket !== undefined) return 'systemd';
  return 'no';
}

export class Supervisor {
  readonly manager: Manager;
  private readonly env: NodeJS.ProcessEnv;
  private readonly log: (level: LogLevel, message: string) => void;

  constructor({ wanted, env, log }: SupervisorOptions) {
    this.env = env;
    this.log = log;
    this.manager = managerOf(wanted, env);
    if (wanted === 'auto' && this.manager === 'upstart') {
      log('notice', 'Upstart supervision detected.');
    } else if (wanted === 'auto' && this.manager === 'systemd') {
      log('notice', 'Systemd supervision detected.');
    } else if (wanted === 'upstart' && this.manager === 'no') {
      log('warning', 'upstart supervision requested, but UPSTART_JOB not found!');
    } else if (wanted === 'systemd' && this.manager === 'no') {
      log('warning', 'systemd supervision error: NOTIFY_SOCKET not found!');
    }
  }

  /** The data is being loaded. Upstart takes a stopped process for one that is ready, as of old. */
  starting(): void {
    if (this.manager === 'systemd') {
      this.log(
        'warning',
        'Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec ' +
          'and TimeoutStopSec in your service unit.',
      );
      this.tell('--status=respite is loading...');
    } else if (this.manager === 'upstart') {
      this.log('warning', 'Supervised by upstart, will stop to signal readiness.');
      process.kill(process.pid, 'SIGSTOP');
    }
  }

  /** Clients are served. */
  ready(): void {
    this.tell('--ready', '--status=Ready to accept connections');
  }

  /** The process is about to end. */
  stopping(): void {
    // A word of its own (STOPPING=1): the program has an option for it from systemd 253 on only.
    this.tell('STOPPING=1');
  }

  private tell(...words: readonly string[]): void {
    if (this.manager !== 'systemd') return;
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], {
      stdio: 'ignore',
      env: this.env,
    });
    child.on('error', (error) => {
      this.log('warning', `systemd supervision error: systemd-notify: ${error.message}`);
    });
    child.unref();
  }
}
