/**
 * The commands of a server as rules see them.
 */
import { Catalogue } from '../acl/catalogue.ts';
import { categoriesOf } from '../commands/categories.ts';
import type { CommandTable } from '../commands/command-table.ts';

/** Catalogues by what their table was made of: a program with many servers needs one. */
const catalogues = new WeakMap<object, Catalogue>();

/** The catalogue of a table in which nothing is renamed yet. */
export function catalogueOf(commands: CommandTable): Catalogue {
  let catalogue = catalogues.get(commands.specs);
  if (catalogue === undefined) {
    const facts = Array.from(commands.everyCommand(), ({ fullName, spec }) => ({
      fullName,
      categories: categoriesOf(spec),
      isOfRedis7: isOfRedis7(spec.since),
    }));
    catalogue = new Catalogue(facts);
    catalogues.set(commands.specs, catalogue);
  }
  return catalogue;
}

function isOfRedis7(since: string): boolean {
  const [major = 0, minor = 0] = since.split('.').map(Number);
  return major < 7 || (major === 7 && minor === 0);
}
