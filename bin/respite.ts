#!/usr/bin/env node
import { createServer } from '../src/index.ts';
const s = await createServer({ port: Number(process.argv[3] ?? 6379), log: (l) => process.stdout.write(l) });
process.on('SIGTERM', () => void s.close().then(() => process.exit(0)));
