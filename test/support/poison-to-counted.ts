/** From a poison event to its effect, over HTTP, on whatever log the server has: made, found, edited, checked, replayed, counted once. */
import assert from 'node:assert/strict';
import type { LetterCheckJson, TestFailureJson } from '../../src/api/dead-letter-check.ts';
import type { DeadLetterGroupsJson } from '../../src/api/dead-letter-groups.ts';
import type { ReplayJobJson, ReplayPlanJson } from '../../src/api/dead-letter-replays.ts';
import type { DeadLetterListJson, ShownDeadLetterJson } from '../../src/api/dead-letters.ts';
import type { ParkedJson } from '../../src/api/parked.ts';
import { until } from './until.ts';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** JSON over HTTP; nothing is thrown for a status. */
export function client(url: string) {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  };
  return {
    get: async <T>(path: string): Promise<T> => (await ask<T>('GET', path)).body,
    ask,
  };
}

export async function jobEnded(url: string, id: string): Promise<ReplayJobJson> {
  const { get } = client(url);
  return until(
    async () => {
      const job = await get<ReplayJobJson>(`/api/v1/dlq/replays/${id}`);
      return job.state !== 'RUNNING' && job.fates.pending + job.fates.parked === 0 && job;
    },
    { what: 'the end of the replay and of what it sent', everyMs: 50 },
  );
}

/** @param group of engagement; nobody else may use it */
export async function poisonToCounted(url: string, group: string): Promise<void> {
  const { get, ask } = client(url);
  const made = await ask<TestFailureJson>('POST', '/api/v1/dlq/test-poison', { kind: 'truncated_json' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { letter_id: id, content_id: content } = made.body;
  assert.ok(id.startsWith(`${group}/content-interactions/`), id);

  const letter = await until(
    async () => {
      const { status, body } = await ask<ShownDeadLetterJson>(
        'GET',
        `/api/v1/dlq/entry?${new URLSearchParams({ id })}`,
      );
      return status === 200 && body;
    },
    { what: 'the dead letter' },
  );
  assert.equal(letter.code, 'NOT_JSON');
  assert.deepEqual(letter.original.headers, [
    { name: 'streamsocial-test', value: 'truncated_json', encoding: 'utf-8' },
  ]);
  const { groups } = await get<DeadLetterGroupsJson>(`/api/v1/dlq/groups?${new URLSearchParams({ group })}`);
  const found = groups.find(({ fingerprint }) => fingerprint === letter.fingerprint)!;
  assert.deepEqual([found.handler, found.open > 0, found.example_id], ['engagement', true, id]);
  const { fingerprint } = letter;
  const listed = await get<DeadLetterListJson>(
    `/api/v1/dlq?${new URLSearchParams({ group, fingerprint, text: content })}`,
  );
  assert.deepEqual(
    listed.entries.map((one) => one.id),
    [id],
  );

  const check = async (value: string) =>
    (await ask<LetterCheckJson>('POST', '/api/v1/dlq/validate', { id, value })).body;
  const broken = letter.original.value!;
  assert.deepEqual([(await check(broken)).valid, (await check(broken)).code], [false, 'NOT_JSON']);
  const wrong = await check(`{"event_type":"post_liked","user_id":7,"content_id":"${content}"}`);
  assert.deepEqual(wrong.errors, [{ where: 'value', path: '/user_id', message: 'must be string' }]);
  const value = `{"event_id":"${content}-repaired","event_type":"post_liked","user_id":"u_1","content_id":"${content}","timestamp":"2026-01-01T00:00:00Z"}`;
  const right = await check(value);
  assert.deepEqual(
    [right.valid, right.event?.event_id, right.partition],
    [true, `${content}-repaired`, letter.partition],
  );
  assert.ok(right.handlers.includes('engagement') && right.handlers.includes('notifications'));

  const repaired = { ids: [id], repaired: { value } };
  const plan = await ask<ReplayPlanJson>('POST', '/api/v1/dlq/replays', repaired);
  assert.deepEqual([plan.status, plan.body.executed, plan.body.planned], [200, false, 1]);
  const likes = async () => (await get<{ likes?: number }>(`/api/v1/engagement/${content}`)).likes ?? 0;
  assert.equal(await likes(), 0, 'a plan sends nothing');
  for (let round = 1; round <= 3; round++) {
    const begun = await ask<ReplayJobJson>('POST', '/api/v1/dlq/replays', { ...repaired, execute: true });
    assert.equal(begun.status, 202, JSON.stringify(begun.body));
    const job = await jobEnded(url, begun.body.id);
    assert.deepEqual([job.state, job.sent, job.fates.applied, job.fates.dead], ['DONE', 1, 1, 0]);
    assert.equal(await likes(), 1, `counted once after replay ${round}`);
  }
  const fourth = await ask<ReplayJobJson>('POST', '/api/v1/dlq/replays', { ...repaired, execute: true });
  const refused = await jobEnded(url, fourth.body.id);
  assert.deepEqual([refused.planned, refused.sent, refused.problems[0]?.code], [0, 0, 'REPLAY_LIMIT']);
  assert.equal(await likes(), 1);

  // sent as it is, it is given up again, and the replay says so
  const still = await ask<TestFailureJson>('POST', '/api/v1/dlq/test-poison', { kind: 'wrong_types' });
  await until(
    async () =>
      (await ask('GET', `/api/v1/dlq/entry?${new URLSearchParams({ id: still.body.letter_id })}`)).status === 200,
  );
  const again = await ask<ReplayJobJson>('POST', '/api/v1/dlq/replays', { ids: [still.body.letter_id], execute: true });
  const dead = await jobEnded(url, again.body.id);
  assert.deepEqual([dead.fates.applied, dead.fates.dead, dead.dead_again.length], [0, 1, 1]);
}

/** A readable event whose handler fails waits, and what came after it waits behind it. @param group as above */
export async function parkedWithFollowers(url: string, group: string): Promise<void> {
  const { get, ask } = client(url);
  const made = await ask<TestFailureJson>('POST', '/api/v1/dlq/test-poison', { kind: 'fails_for_a_while' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { content_id, topic, partition, offset } = made.body;
  const [key, answer] = await until(
    async () => {
      const answer = await get<ParkedJson>('/api/v1/parked');
      const key = answer.keys.find((one) => one.key === content_id && one.waiting === 3);
      return key !== undefined && ([key, answer] as const);
    },
    { what: 'the parked event' },
  );
  assert.deepEqual([key.handler, key.group, key.topic], ['engagement', group, topic]);
  assert.deepEqual([key.partition, key.offset], [partition, offset]);
  assert.deepEqual([key.attempts, key.reason, answer.attempts], [1, 'a failure planned by the test button', 5]);
  assert.ok(Date.parse(key.next_attempt_at) > Date.parse(answer.now));
  assert.ok(key.waiting_offsets.every((behind) => behind > offset) && key.waiting_offsets.length === 3);
  const place = { handler: 'engagement', group, topic, partition };
  assert.deepEqual(answer.partitions, [{ ...place, parked: 4, keys: 1, full: false }]);
}
