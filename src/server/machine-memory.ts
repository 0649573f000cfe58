/**
 * How much memory this process may use: the machine's, or less where a control group (a container,
 * a systemd unit) limits it. Every group above the process counts, the smallest limit wins.
 * Sources: cgroups(7); the kernel's documentation of cgroup v1 memory and of cgroup v2.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';

/** A file's text, or undefined when it cannot be read. */
type ReadText = (file: string) => string | undefined;

const MOUNT = '/sys/fs/cgroup';

/** Bytes of the machine, or of the smallest control group limit. Reads some small files. */
export function machineMemory(read: ReadText = readText, total: number = totalmem()): number {
  let least = total;
  for (const limit of groupLimits(read)) if (limit > 0 && limit < least) least = limit;
  return least;
}

/** Bytes that a setting means: itself, or a share of the machine's memory when it is -percent. */
export function memoryLimit(setting: number): number {
  return setting < 0 ? Math.floor((machineMemory() * -setting) / 100) : setting;
}

/** The limits that are set; version 1 has a huge number where there is none. */
function groupLimits(read: ReadText): number[] {
  const limits: number[] = [];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    if (controllers === '') limits.push(...above(read, MOUNT, group, 'memory.max'));
    else if (controllers.split(',').includes('memory')) {
      limits.push(...above(read, path.join(MOUNT, 'memory'), group, 'memory.limit_in_bytes'));
    }
  }
  return limits;
}

/**
 * The limit of a group and of those above it. Inside a container the group's name may be that of
 * the host while the mount shows the container's own groups: then the top one is what there is.
 */
function above(read: ReadText, mount: string, group: string, file: string): number[] {
  const limits: number[] = [];
  for (let at = path.join('/', group); ; at = path.dirname(at)) {
    const text = read(path.join(mount, at, file));
    // "max" is no limit.
    if (text !== undefined && /^\d+\s*$/.test(text)) limits.push(Number(text));
    if (at === '/') return limits;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
