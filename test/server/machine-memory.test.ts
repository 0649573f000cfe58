import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { machineMemory } from '../../src/server/machine-memory.ts';

const GIB = 1 << 30;

function within(files: Readonly<Record<string, string>>): number {
  return machineMemory((file) => files[file], 16 * GIB);
}

describe('machineMemory()', () => {
  it('is the memory of the machine without a limit', () => {
    expect(within({})).toBe(16 * GIB);
    expect(within({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' })).toBe(
      16 * GIB,
    );
  });

  it('is the smallest limit of the groups above the process (version 2)', () => {
    const files = {
      '/proc/self/cgroup': '0::/system.slice/redis.service\n',
      '/sys/fs/cgroup/system.slice/redis.service/memory.max': `${4 * GIB}\n`,
      '/sys/fs/cgroup/system.slice/memory.max': `${2 * GIB}\n`,
      '/sys/fs/cgroup/memory.max': 'max\n',
    };
    expect(within(files)).toBe(2 * GIB);
  });

  it('reads version 1, where no limit is a number beyond the machine', () => {
    const group = '/proc/self/cgroup';
    const lines = '12:cpu,cpuacct:/docker/abc\n5:memory:/docker/abc\n1:name=systemd:/docker/abc\n';
    const top = '/sys/fs/cgroup/memory/memory.limit_in_bytes';
    // What a container sees: its own group is the top, under the name of the host's.
    expect(within({ [group]: lines, [top]: '536870912\n' })).toBe(GIB / 2);
    expect(within({ [group]: lines, [top]: '9223372036854771712\n' })).toBe(16 * GIB);
  });

  it('takes files that hold anything else for no limit', () => {
    const files = { '/proc/self/cgroup': 'rubbish\n0::\n', '/sys/fs/cgroup/memory.max': '-1' };
    expect(within(files)).toBe(16 * GIB);
  });

  it('says something plausible here', () => {
    expect(machineMemory()).toBeGreaterThan(16 << 20);
    expect(machineMemory()).toBeLessThanOrEqual(totalmem());
  });
});
