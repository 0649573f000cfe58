/**
 * The seed of random tests. In the short tier it is always the same, so that a first `npm test` does
 * not fail by chance; the long tier looks further, with one from the clock, which failures print.
 * RESPITE_SEED=number repeats. This file is also loaded before every test file: properties of
 * fast-check that name no seed take this one.
 */
import fc from 'fast-check';

const { RESPITE_SEED, RESPITE_FULL } = process.env;
const given = Number.parseInt(RESPITE_SEED ?? '', 10);

export const SEED: number = Number.isNaN(given)
  ? RESPITE_FULL === '1'
    ? Date.now() | 0
    : 20_260_728
  : given;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });
