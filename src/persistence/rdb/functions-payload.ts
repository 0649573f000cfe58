/**
 * The payload of FUNCTION DUMP: the sources of all libraries with a footer.
 *
 *     (u8 245 | source as an RDB string)* | u16 RDB version | u64 CRC-64 of all that
 *
 * Numbers of the footer are little endian. What is read is hostile.
 */
import { Crc64 } from '../../util/crc64.ts';
import { RdbInput } from './input.ts';
import { RdbOutput } from './output.ts';
import { Opcode, RDB_VERSION, RDB_VERSION_MAX } from './types.ts';

const FOOTER = 10;

/** Why a payload is not one of functions. */
export type PayloadFault = 'footer' | 'type' | 'data';

/** The payload of these sources. O(bytes). */
export function writeFunctions(codes: readonly Uint8Array[], compress: boolean): Buffer {
  const out = new RdbOutput();
  out.compress = compress;
  for (const code of codes) {
    out.byte(Opcode.function2);
    out.string(code, 0, code.length);
  }
  out.byte(RDB_VERSION & 0xff);
  out.byte(RDB_VERSION >> 8);
  const crc = new Crc64();
  crc.update(out.buf, 0, out.pos);
  out.reserve(8);
  crc.write(out.buf, out.pos);
  out.pos += 8;
  return Buffer.from(out.view());
}

/** The sources of a payload, or what is wrong with it. O(bytes). */
export function readFunctions(payload: Uint8Array): Buffer[] | PayloadFault {
  const footer = payload.length - FOOTER;
  if (footer < 0) return 'footer';
  if ((payload[footer]! | (payload[footer + 1]! << 8)) > RDB_VERSION_MAX) return 'footer';
  const crc = new Crc64();
  crc.update(payload, 0, footer + 2);
  if (!crc.isAt(payload, footer + 2)) return 'footer';
  const input = new RdbInput();
  input.open(payload, 0, footer);
  const codes: Buffer[] = [];
  try {
    while (input.left > 0) {
      if (input.byte() !== Opcode.function2) return 'type';
      codes.push(Buffer.from(input.bytes()));
    }
  } catch {
    return 'data';
  }
  return codes;
}
