/**
 * Micro-benchmarks of the ground floor: request parser, reply writer, arena, dict. Nanoseconds per
 * operation, median of seven runs; `npm run bench -- micro`.
 */

import { Dict } from '../src/memory/dict.ts';
import { HeapArena } from '../src/memory/heap-arena.ts';
import { Reply } from '../src/resp/reply.ts';
import { ParseResult, RequestParser } from '../src/resp/request-parser.ts';
import { Args } from '../src/util/args.ts';
import { Progress } from './progress.ts';
import { median } from './statistics.ts';

const RUNS = 7;
const progress = new Progress();

/** Times `run`, which does `operations` things, several times over and prints the median. */
function measure(name: string, operations: number, run: () => void): void {
  run(); // warm up
  const nanoseconds: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    progress.show(`${name}: run ${i + 1}/${RUNS}`);
    const started = performance.now();
    run();
    nanoseconds.push(((performance.now() - started) * 1e6) / operations);
  }
  progress.end();
  console.log(`${name.padEnd(44)} ${median(nanoseconds).toFixed(1).padStart(8)} ns`);
}

function parserBenchmarks(): void {
  const set = '*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$3\r\nxxx\r\n';
  const chunk = Buffer.from(set.repeat(64));
  const parser = new RequestParser();
  const args = new Args();
  measure('parse SET, pipelines of 64', 64 * 20_000, () => {
    for (let i = 0; i < 20_000; i++) {
      parser.push(chunk, 0, chunk.length);
      while (parser.next(args) === ParseResult.request);
      parser.detach();
    }
  });
  measure('parse SET, each cut in two', 200_000, () => {
    for (let i = 0; i < 200_000; i++) {
      parser.push(chunk, 0, 20);
      parser.next(args);
      parser.detach();
      parser.push(chunk, 20, set.length);
      parser.next(args);
      parser.detach();
    }
  });
}

function replyBenchmarks(): void {
  const reply = new Reply();
  const value = Buffer.from('xxx');
  const write = (name: string, one: () => void) =>
    measure(name, 64 * 20_000, () => {
      for (let i = 0; i < 20_000; i++) {
        for (let k = 0; k < 64; k++) one();
        reply.clear();
      }
    });
  write('write +OK', () => reply.ok());
  write('write a bulk string of 3 bytes', () => reply.bulk(value, 0, 3));
  write('write an integer', () => reply.int(1234567));
}

function arenaBenchmarks(): void {
  const arena = new HeapArena();
  const refs = new Int32Array(100_000);
  measure('arena: alloc and free, 32 bytes', refs.length, () => {
    for (let i = 0; i < refs.length; i++) refs[i] = arena.alloc(32);
    for (let i = 0; i < refs.length; i++) arena.free(refs[i]!);
  });
  const block = arena.alloc(32);
  measure('arena: touch without a snapshot', 5_000_000, () => {
    for (let i = 0; i < 5_000_000; i++) arena.touch(block);
  });
}

function dictBenchmarks(entries: number): void {
  const arena = new HeapArena();
  const dict = new Dict(arena, Int32Array.of(1, 2));
  const root = dict.create();
  const key = Buffer.alloc(8);
  let slowestMs = 0;
  const started = performance.now();
  for (let i = 0; i < entries; i++) {
    key.writeUInt32LE(i, 0);
    const before = performance.now();
    const entry = arena.alloc(20);
    const at = (entry & 0x7fff) << 3;
    arena.i32[entry >>> 15]![(at >> 2) + 2] = 8;
    arena.u8[entry >>> 15]!.set(key, at + 12);
    dict.insert(root, dict.hash(key, 0, 8), entry);
    slowestMs = Math.max(slowestMs, performance.now() - before);
  }
  const perInsert = ((performance.now() - started) * 1e6) / entries;
  const label = `dict of ${entries.toLocaleString('en')}`;
  console.log(`${`${label}: insert`.padEnd(44)} ${perInsert.toFixed(1).padStart(8)} ns`);
  console.log(`${`${label}: slowest insert`.padEnd(44)} ${slowestMs.toFixed(2).padStart(8)} ms`);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % entries;
  };
  measure(`${label}: find, random`, 200_000, () => {
    for (let i = 0; i < 200_000; i++) {
      key.writeUInt32LE(next(), 0);
      dict.find(root, dict.hash(key, 0, 8), key, 0, 8);
    }
  });
  const hashes = new Int32Array(64);
  const scratch = new Int32Array(64);
  const roots = Int32Array.of(root);
  const keys = Buffer.alloc(64 * 8);
  measure(`${label}: find, 64 fetched ahead`, 200_000, () => {
    for (let i = 0; i < 200_000; i += 64) {
      for (let k = 0; k < 64; k++) {
        keys.writeUInt32LE(next(), k * 8);
        hashes[k] = dict.hash(keys, k * 8, 8);
      }
      dict.prefetch(roots, true, hashes, 64, scratch);
      for (let k = 0; k < 64; k++) dict.find(root, hashes[k]!, keys, k * 8, 8);
    }
  });
}

parserBenchmarks();
replyBenchmarks();
arenaBenchmarks();
dictBenchmarks(10_000);
dictBenchmarks(1_000_000);
if (process.argv.includes('--large')) dictBenchmarks(10_000_000);
