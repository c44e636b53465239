import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterControl, ClusterServer } from '../../src/api/cluster.ts';
import { KitError } from '../../src/kit/errors.ts';
import { openApi } from './support/fake-platform.ts';

const SERVER: ClusterServer = {
  name: 'kafka-2',
  kind: 'broker',
  node_id: 2,
  host: '127.0.0.1',
  port: 9093,
  pid: 4711,
  state: 'running',
  since: '2026-05-27T14:00:00.000Z',
  ended: null,
  in_use: true,
  action: null,
};

function fakeControl() {
  const asked: string[] = [];
  const cluster: ClusterControl = {
    look: async () => ({
      controllable: true,
      reason: null,
      commands: [],
      started_at: '2026-05-27T14:00:00.000Z',
      servers: [SERVER],
    }),
    async act(server, action) {
      asked.push(`${action} ${server}`);
      if (server !== 'kafka-2') throw new KitError('UNKNOWN_SERVER', `no server ${server}`);
      if (action === 'start') throw new KitError('SERVER_RUNNING', 'it runs');
      return { ...SERVER, state: 'ended', ended: 'was ended by SIGKILL' };
    },
  };
  return { cluster, asked };
}

const act = (url: string, payload: unknown, headers = {}) => ({
  method: 'POST' as const,
  url: `/api/v1/cluster/servers/${url}`,
  payload: payload as object,
  headers,
});

test('without control of brokers the page is told why, and nothing can be done to any', async () => {
  await using api = openApi();
  const { controllable, reason, servers } = (await api.app.inject('/api/v1/cluster')).json();
  assert.deepEqual([controllable, servers], [false, []]);
  assert.match(reason, /without control/);
  const refused = await api.app.inject(act('kafka-1/kill', { confirm: 'kafka-1' }));
  assert.deepEqual([refused.statusCode, refused.json().code], [409, 'NOT_CONTROLLABLE']);
});

test('the servers are listed as they are', async () => {
  await using api = openApi({ parts: { cluster: fakeControl().cluster } });
  const answer = await api.app.inject('/api/v1/cluster');
  assert.deepEqual(answer.json().servers, [SERVER]);
});

test('a server is acted on when its name is said twice, and the health is looked at anew', async () => {
  const { cluster, asked } = fakeControl();
  await using api = openApi({ parts: { cluster } });
  const answer = await api.app.inject(act('kafka-2/kill', { confirm: 'kafka-2' }));
  assert.deepEqual([answer.statusCode, answer.json().state], [202, 'ended']);
  assert.deepEqual(asked, ['kill kafka-2']);
  assert.equal(api.platform.looksAgain, 1);
});

test('whoever confirms another name, or none, or is another page, changes nothing', async () => {
  const { cluster, asked } = fakeControl();
  await using api = openApi({ parts: { cluster } });
  for (const [body, headers, code] of [
    [{ confirm: 'kafka-3' }, {}, 'INVALID_ARGUMENT'],
    [{}, {}, 'INVALID_ARGUMENT'],
    [{ confirm: 'kafka-2', force: true }, {}, 'INVALID_ARGUMENT'],
    [{ confirm: 'kafka-2' }, { origin: 'https://elsewhere.example' }, 'FORBIDDEN_ORIGIN'],
  ] as const) {
    const answer = await api.app.inject(act('kafka-2/kill', body, headers));
    assert.equal(answer.json().code, code);
  }
  const unknown = await api.app.inject(act('kafka-2/explode', { confirm: 'kafka-2' }));
  assert.deepEqual([unknown.statusCode, unknown.json().code], [400, 'INVALID_ARGUMENT']);
  assert.deepEqual(asked, []);
});

test('what cannot be done is told with its code', async () => {
  await using api = openApi({ parts: { cluster: fakeControl().cluster } });
  const running = await api.app.inject(act('kafka-2/start', { confirm: 'kafka-2' }));
  assert.deepEqual([running.statusCode, running.json().code], [409, 'SERVER_RUNNING']);
  const unknown = await api.app.inject(act('kafka-9/kill', { confirm: 'kafka-9' }));
  assert.deepEqual([unknown.statusCode, unknown.json().code], [404, 'UNKNOWN_SERVER']);
  assert.equal(api.platform.looksAgain, 0);
});
