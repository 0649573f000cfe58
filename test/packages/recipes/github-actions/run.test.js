import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';

/** A step's line, as the runner's shell gets it, with a port that is free here. */
function stepOf(workflow, port) {
  const line = /- run: (npx respite .*)/.exec(readFileSync(workflow, 'utf8'))[1];
  return line.replace('--port 6379', `--port ${port}`);
}

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function ask(port, line) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`${line}\r\n`);
  let reply = '';
  for await (const chunk of socket) {
    reply += chunk;
    if (reply.endsWith('\r\n')) break;
  }
  socket.destroy();
  return reply;
}

test('the server of a step answers the steps after it', async () => {
  const port = await freePort();
  execSync(stepOf('workflow.yml', port), { stdio: 'ignore' });
  assert.equal(await ask(port, 'PING'), '+PONG\r\n');
  await ask(port, 'SHUTDOWN NOSAVE');
});
