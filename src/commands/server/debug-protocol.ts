/**
 * DEBUG PROTOCOL: a reply of each protocol type, for client libraries to test themselves with. The
 * protocol is its subject: no other handler asks for the version.
 */
import type { Reply } from '../../resp/reply.ts';
import { CommandError } from '../../util/errors.ts';

const noPush = new CommandError('ERR RESP2 is not supported by this command');
const unknownType = new CommandError(
  'ERR Wrong protocol type name. Please use one of the following: ' +
    'string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false',
);

const replies: Readonly<Record<string, (reply: Reply) => void>> = {
  string: (reply) => reply.bulkLatin1('Hello World'),
  integer: (reply) => reply.int(12345),
  double: (reply) => reply.doubleText('3.141'),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.null(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.int(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.int(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.int(i);
      reply.bool(i === 1);
    }
  },
  attrib(reply) {
    if (reply.version === 3) {
      reply.attribute(1);
      reply.bulkLatin1('key-popularity');
      reply.array(2);
      reply.bulkLatin1('key:123');
      reply.int(90);
    }
    reply.bulkLatin1('Some real reply following the attribute');
  },
  push(reply) {
    if (reply.version === 2) throw noPush;
    reply.push(2);
    reply.bulkLatin1('server-cpu-usage');
    reply.int(42);
    reply.bulkLatin1('Some real reply following the push reply');
  },
  verbatim: (reply) => reply.verbatim('txt', 'This is a verbatim\nstring'),
  true: (reply) => reply.bool(true),
  false: (reply) => reply.bool(false),
};

/** Writes the test value of a type, named in lower case. */
export function debugProtocol(type: string, reply: Reply): void {
  const write = Object.hasOwn(replies, type) ? replies[type] : undefined;
  if (write === undefined) throw unknownType;
  write(reply);
}
