import assert from 'node:assert/strict';
import { it } from 'node:test';
import { losesItsConnectionTwice } from '../support/stream-reconnect.ts';
import { dataDirectory, up } from '../support/streamsocial.ts';

it('a WebSocket client that loses its connection twice receives every event of its subscription once, in order per key', async (t) => {
  const server = await up(t, await dataDirectory(t), ['--no-demo']);
  await losesItsConnectionTwice(server, 'embedded');
  assert.equal(await server.end('SIGTERM'), 0);
});
