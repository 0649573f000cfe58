/**
 * Checks a stream's node from a file before it becomes one here: `src/datatypes/stream-node.ts` has
 * its layout and trusts it. Beyond the layout, ids must ascend, because that is how they are found.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import { unsoundPack } from './bad-data.ts';
import { ListpackElements } from './elements.ts';

const DELETED = 1;
const SAME_FIELDS = 2;

export class StreamNodeCheck {
  /** Id of the last entry checked, deleted or not; the next one must be above it. */
  readonly last = new StreamId();
  /** Id of the first entry of the stream that is not deleted; 0-0 while there is none. */
  readonly first = new StreamId();
  /** Id of the last one; 0-0 while there is none. */
  readonly lastLive = new StreamId();
  /** Entries that are not deleted. */
  live = 0;
  private entries = 0;
  private nodeDeleted = 0;
  private readonly id = new StreamId();
  private readonly elements = new ListpackElements();

  /** Forgets the stream checked before. */
  reset(): void {
    this.last.setMin();
    this.first.setMin();
    this.lastLive.setMin();
    this.live = 0;
    this.entries = 0;
  }

  /** Checks the stream's next node; throws `unsoundPack`. O(elements). */
  node(master: StreamId, bytes: Uint8Array): void {
    const elements = this.elements.open(bytes);
    const liveSaid = this.count();
    const deletedSaid = this.count();
    const fields = this.count();
    if (fields === 0) throw unsoundPack;
    for (let i = 0; i < fields; i++) this.skip();
    if (elements.integer() !== 0) throw unsoundPack;
    const liveBefore = this.live;
    const entriesBefore = this.entries;
    this.nodeDeleted = 0;
    while (elements.hasMore) this.entry(master, fields, this.entries === entriesBefore);
    if (this.entries === entriesBefore) throw unsoundPack;
    if (this.live - liveBefore !== liveSaid || this.nodeDeleted !== deletedSaid) throw unsoundPack;
  }

  private entry(master: StreamId, masterFields: number, isFirst: boolean): void {
    const { elements, id } = this;
    // Flags are written over in place: they must be one byte, which they are wherever they are
    // from.
    if (!elements.nextIsTiny) throw unsoundPack;
    const flags = Number(elements.integer());
    if (flags > (DELETED | SAME_FIELDS)) throw unsoundPack;
    id.setSum(master, elements.integer(), elements.integer());
    let fields = masterFields;
    let texts = fields;
    let count = fields + 3;
    if ((flags & SAME_FIELDS) === 0) {
      fields = this.count();
      if (fields === 0) throw unsoundPack;
      texts = fields * 2;
      count = texts + 4;
    }
    for (let i = 0; i < texts; i++) this.skip();
    if (elements.integer() !== count) throw unsoundPack;
    if (isFirst && id.compare(master) < 0) throw unsoundPack;
    if (this.entries > 0 ? id.compare(this.last) <= 0 : id.isZero) throw unsoundPack;
    this.last.set(id);
    this.entries++;
    if ((flags & DELETED) !== 0) {
      this.nodeDeleted++;
      return;
    }
    if (this.live === 0) this.first.set(id);
    this.lastLive.set(id);
    this.live++;
  }

  /** The next element as a number of things that the listpack may hold. */
  private count(): number {
    const n = this.elements.integer();
    if (n < 0 || n > this.elements.count) throw unsoundPack;
    return Number(n);
  }

  private skip(): void {
    if (!this.elements.next()) throw unsoundPack;
  }
}
