/**
 * The order of the test files. Two workers share them, so what takes long begins first: a long file
 * that came last would keep one of them busy while the other has nothing left. vitest goes by what it
 * remembers of the run before; a fresh clone has no such memory and would go by sizes, by which the
 * file that runs all scripts is one of the smallest.
 */
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Ten seconds or more on an idle machine, the longest first. */
const LONG: readonly string[] = [
  'test/server/memory-returns.test.ts',
  'test/persistence/crash/faults.test.ts',
  'test/tools/check-aof.test.ts',
  'test/differential/scripts.test.ts',
  'test/differential/streams.test.ts',
  'test/differential/self.test.ts',
];

/** Long files, then those that share modules, then the others: in a row, so that they do share. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const ranks = new Map(files.map((file) => [file, this.rank(file)]));
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => ranks.get(a)! - ranks.get(b)!);
  }

  private rank({ moduleId, project }: TestSpecification): number {
    const name = path.relative(this.ctx.config.root, moduleId).replaceAll('\\', '/');
    const place = LONG.indexOf(name);
    const isShared = project.config.isolate === false;
    if (place >= 0) return (isShared ? LONG.length : 0) + place;
    return 2 * LONG.length + (isShared ? 0 : 1);
  }
}
