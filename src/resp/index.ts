/**
 * RESP for servers: a request parser and a reply writer, usable on their own.
 *
 *     import { createServer } from 'node:net';
 *     import { Args, ParseResult, Reply, RequestParser } from 'respite/resp';
 *
 *     createServer((socket) => {
 *       const parser = new RequestParser();
 *       const args = new Args();
 *       const reply = new Reply();
 *       socket.on('data', (chunk) => {
 *         parser.push(chunk, 0, chunk.length);
 *         while (parser.next(args) === ParseResult.request) {
 *           if (args.is(0, 'PING')) reply.pong();
 *           else reply.error(`ERR unknown command '${args.latin1(0)}'`);
 *         }
 *         parser.detach();
 *         socket.write(Buffer.from(reply.buf.subarray(0, reply.pos)));
 *         reply.clear();
 *       });
 *     }).listen(6379);
 */
export { Args } from '../util/args.ts';
export { Reply } from './reply.ts';
export {
  defaultParserLimits,
  ParseResult,
  type ParserLimits,
  RequestParser,
} from './request-parser.ts';
