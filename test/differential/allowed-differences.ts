/**
 * Every difference from redis-server 7.0.15 that is on purpose. An entry needs a reason that holds
 * before a reader who knows Redis, and is listed in docs/compatibility.md; one that no script needs
 * any more fails the run. "It is easier for us" is not a reason.
 */
import type { AllowedDifference } from '../harness/differential.ts';

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    command: /^P?EXPIRE/i,
    ours: /^\(error\) ERR Unsupported option /,
    oracle: /^\(error\) ERR Unsupported option /,
    generated: true,
    why: 'Redis quotes the option as a C string: up to a NUL, and of any length.',
  },
];
