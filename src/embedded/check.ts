/** What programs hand in: names that nothing knows and values of the wrong kind are refused. */
import { nearest } from '../util/nearest.ts';

/** Throws TypeError for an option that is not among the known ones: `record() has no 'maks'`. */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new TypeError(
      `${what} has no '${name}'${meant === undefined ? '' : `: did you mean '${meant}'?`}`,
    );
  }
}

/** Throws RangeError for what is no number within bounds; undefined is none at all. */
export function checkNumber(
  name: string,
  value: number | undefined,
  least: number,
  most = Number.POSITIVE_INFINITY,
): void {
  if (value === undefined || (typeof value === 'number' && value >= least && value <= most)) return;
  const bounds = most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  throw new RangeError(`${name} is ${bounds}, not ${String(value)}`);
}
