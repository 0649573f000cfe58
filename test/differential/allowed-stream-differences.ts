/**
 * Every difference between our stream of effects and redis-server 7.0.15's that is on purpose. An
 * entry needs a reason that holds before a reader who knows Redis; one that no script needs any more
 * fails the long run.
 */
import type { AllowedStreamDifference } from '../harness/stream-comparison.ts';

export const allowedStreamDifferences: readonly AllowedStreamDifference[] = [];
