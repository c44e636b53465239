/** The client in docs/stream.md, as it stands there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { openStreams } from './support/streams.ts';

const PAGE = readFileSync(new URL('../../docs/stream.md', import.meta.url), 'utf8');

test("the documentation's client receives what happens, also after its connection is lost", async () => {
  await using api = await openStreams({ limits: { stalledAfterMs: 60_000 } });
  const [, code] = PAGE.match(/```js\n([\s\S]+?)```/)!;
  const shown: string[] = [];
  const sockets: WebSocket[] = [];
  const kept = new Map<string, string>();
  class Recorded extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  let away = false;
  const later = (connect: () => void) => {
    away = true;
    retry = connect;
  };
  let retry = () => {};
  new Function('WebSocket', 'localStorage', 'location', 'show', 'setTimeout', code!)(
    Recorded,
    { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) },
    new URL(api.url),
    ({ user_id }: { user_id: string }) => shown.push(user_id),
    later,
  );
  // `latest` begins when the server has said so
  const subscribed = new Promise((resolve) => sockets[0]!.addEventListener('message', resolve, { once: true }));
  await subscribed;
  await api.like('p', 'first');
  await until(() => shown.length === 1);
  sockets[0]!.close();
  await until(() => away);
  await api.like('p', 'missed');
  retry();
  await until(() => shown.length === 2);
  await api.like('p', 'last');
  await until(() => shown.length === 3);
  assert.deepEqual(shown, ['first', 'missed', 'last']);
  sockets[1]!.close();
  await until(() => sockets[1]!.readyState === WebSocket.CLOSED);
});
