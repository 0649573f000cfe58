/**
 * PFSELFTEST: checks on the running machine that registers hold what they are given, that both
 * encodings agree and that the estimate is as near as it should be.
 */
import {
  count,
  DENSE_BYTES,
  denseRegister,
  HEADER_BYTES,
  isDense,
  positionOf,
  REGISTERS,
  setDenseRegister,
} from '../../datatypes/hyperloglog.ts';
import { HyperLogLogDraft } from '../../datatypes/hyperloglog-draft.ts';
import { CommandError } from '../../util/errors.ts';
import { command } from '../spec.ts';

const ROUNDS = 50;
/** Enough to pass through every range of the estimator, few enough not to delay other clients. */
const ELEMENTS = 1_000_000;
/** The usual limit: the value turns dense between the checks at 100 and 10,000 elements. */
const SPARSE_BYTES_MAX = 3000;
/** Standard deviations that an estimate may be off; Redis allows as many. */
const DEVIATIONS = 6;
const DEVIATION = 1.04 / Math.sqrt(REGISTERS);

/** Writes all registers in turn, reads all back. */
function checkRegisters(random: () => number): void {
  const value = new Uint8Array(DENSE_BYTES);
  const expected = new Uint8Array(REGISTERS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < REGISTERS; i++) {
      expected[i] = Math.floor(random() * 64);
      setDenseRegister(value, 0, i, expected[i]!);
    }
    for (let i = 0; i < REGISTERS; i++) {
      if (denseRegister(value, 0, i) !== expected[i]) {
        throw new CommandError(
          `TESTFAILED Register ${i} holds ${denseRegister(value, 0, i)}, not ${expected[i]}`,
        );
      }
    }
  }
  for (let i = 0; i < HEADER_BYTES; i++) {
    if (value[i] !== 0) throw new CommandError('TESTFAILED Registers overwrote the header');
  }
}

/** Adds different elements to a value that turns dense and to one that is dense from the start. */
function checkEstimates(random: () => number): void {
  const dense = new HyperLogLogDraft();
  const grown = new HyperLogLogDraft();
  dense.create();
  dense.makeDense();
  grown.create();
  const element = new Uint8Array(8);
  const view = new DataView(element.buffer);
  view.setUint32(4, random() * 0x100000000);
  for (let n = 1, checkpoint = 1; n <= ELEMENTS; n++) {
    view.setUint32(0, n, true);
    const position = positionOf(element, 0, element.length);
    dense.add(position, 0);
    grown.add(position, SPARSE_BYTES_MAX);
    if (n !== checkpoint) continue;
    checkpoint *= 10;
    checkEstimate(dense, n);
    if (count(grown.buf, grown.off, grown.len) !== count(dense.buf, dense.off, dense.len)) {
      throw new CommandError(`TESTFAILED The encodings disagree after ${n} elements`);
    }
    for (let i = 0; isDense(grown.buf, grown.off) && i < REGISTERS; i++) {
      if (denseRegister(grown.buf, grown.off, i) !== denseRegister(dense.buf, dense.off, i)) {
        throw new CommandError(`TESTFAILED Register ${i} differs between the encodings`);
      }
    }
  }
}

/** Of a few elements, some may share a register by chance: three are always allowed. */
function checkEstimate(value: HyperLogLogDraft, elements: number): void {
  const estimate = count(value.buf, value.off, value.len) ?? 0;
  const allowed = Math.max(3, Math.ceil(DEVIATIONS * DEVIATION * elements));
  if (Math.abs(estimate - elements) <= allowed) return;
  throw new CommandError(`TESTFAILED Estimate of ${elements} elements is ${estimate}`);
}

/** PFSELFTEST */
export const pfselftest = command({
  name: 'pfselftest',
  arity: 1,
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Tests the HyperLogLog functions of the server.',
  complexity: 'O(1), about a tenth of a second.',
  flags: ['admin'],
  system: true,

  run(ctx, _args, reply) {
    const { random } = ctx.keyspace;
    checkRegisters(random);
    checkEstimates(random);
    reply.ok();
  },
});
