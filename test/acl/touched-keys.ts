/**
 * Which keys a command really uses: every search, insertion and removal in a table of keys, and
 * every change that is told of.
 */
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import type { Args } from '../../src/util/args.ts';
import { latin1 } from '../../src/util/latin1.ts';

export class TouchedKeys {
  /** All keys that were looked for, added or removed. */
  readonly touched = new Set<string>();
  /** Keys whose values were read. */
  readonly read = new Set<string>();
  /** Keys that were changed. */
  readonly written = new Set<string>();

  constructor(keyspace: Keyspace) {
    const { changes, dbs, dict } = keyspace;
    const roots = () => dbs.map((db) => (db as unknown as { root: number }).root);
    const find = dict.find.bind(dict);
    dict.find = (root, hash, buf, off, len) => {
      if (roots().includes(root)) this.touched.add(latin1(buf, off, len));
      return find(root, hash, buf, off, len);
    };
    const changedKey = changes.changedKey.bind(changes);
    changes.changedKey = (db, event, key, off, len, count) => {
      this.written.add(latin1(key, off, len));
      changedKey(db, event, key, off, len, count);
    };
    const changed = changes.changed.bind(changes);
    changes.changed = (db, event, args, i, count) => {
      this.written.add(args.latin1(i));
      changed(db, event, args, i, count);
    };
    for (const db of dbs) {
      const { read } = db;
      db.read = (args: Args, i: number) => {
        this.read.add(args.latin1(i));
        return read.call(db, args, i);
      };
    }
  }

  clear(): void {
    this.touched.clear();
    this.read.clear();
    this.written.clear();
  }
}
