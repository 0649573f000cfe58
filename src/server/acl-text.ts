/**
 * Users as lines of redis.conf, where quotes and backslashes mean something.
 */
import type { User } from '../acl/user.ts';
import { quoteWord } from '../util/words.ts';

/** What is read back as it is. */
const plain = /^[!#$%&()*+,\-./0-9:;<=>?@A-Z[\]^_`a-z{|}~ ]+$/;

/** The words after `user`. Words of a selector may stand alone; what needs quotes gets them. */
export function configWords(user: User): string {
  return [user.name, ...user.describe()]
    .map((word) => (plain.test(word) ? word : quoteWord(word)))
    .join(' ');
}
