/**
 * What DEBUG does to the server itself.
 */
import type { DebugPort } from '../commands/ports/debug.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Upkeep } from './upkeep.ts';

export class DebugTools implements DebugPort {
  private readonly upkeep: Upkeep;
  private readonly lifecycle: Lifecycle;

  constructor(upkeep: Upkeep, lifecycle: Lifecycle) {
    this.upkeep = upkeep;
    this.lifecycle = lifecycle;
  }

  setActiveExpire(enabled: boolean): void {
    this.upkeep.activeExpire = enabled;
  }

  sleep(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  changeReplicationId(): void {
    this.lifecycle.changeReplicationId();
  }
}
