import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

/** Runs `next dev` and gives its address to `use`. */
async function dev(use) {
  const child = spawn(
    process.execPath,
    ['node_modules/next/dist/bin/next', 'dev', '--port', '0', '--hostname', '127.0.0.1'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } },
  );
  const ended = once(child, 'exit');
  const address = await new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
      if (found !== null && /Ready/.test(printed)) resolve(found[0]);
    });
    ended.then(() => reject(new Error(printed)));
  });
  try {
    return await use(address);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

const visit = async (address) => (await fetch(`${address}/visits`)).json();

test('counts visits, and goes on counting after a restart', async () => {
  await dev(async (address) => {
    assert.equal(await visit(address), 1);
    assert.equal(await visit(address), 2);
  });
  assert.equal(await dev(visit), 3);
});
