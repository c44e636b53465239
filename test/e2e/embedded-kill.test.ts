import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Reconciliation } from '../../src/pipelines/reconciliation.ts';
import { dataDirectory, getJson, run, type Server, untilQuiet, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

interface Place {
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface RecordPage {
  readonly records: readonly {
    readonly headers: readonly { readonly name: string; readonly value: string | null }[];
  }[];
}

const ROUNDS = 3;
const CALLERS = 8;

describe('kill -9 of the embedded process in the middle of a demo', () => {
  it(`loses nothing that was acknowledged and counts nothing twice, ${ROUNDS} times in a row`, async (t) => {
    const directory = await dataDirectory(t);
    const acknowledged: Place[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const before = acknowledged.length;
      const server = await up(t, directory, [
        '--demo-events',
        '20000',
        '--demo-rate',
        '5000',
        '--demo-seed',
        String(round),
      ]);
      const publishing = publishUntilGone(server, `round-${round}`, acknowledged);
      // a different moment each time; the publishing itself says that the demo is under way
      const enough = until(() => acknowledged.length >= before + 200 * round, { timeoutMs: 60_000, everyMs: 5 });
      // a publisher that gives up before the kill has something to say
      await Promise.race([enough, publishing.then(() => assert.fail('the server was gone before it was killed'))]);
      await server.end('SIGKILL');
      await publishing;
    }

    const server = await up(t, directory, ['--no-demo']);
    for (const place of acknowledged) assert.equal(await eventIdAt(server, place), place.event_id);
    await untilQuiet(server.url);
    const verified = await run(['verify', '--data-dir', directory, '--json']);
    const result = JSON.parse(verified.stdout) as Reconciliation;
    assert.deepEqual(result.differences, []);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const likes = await getJson<{ likes: number }>(`${server.url}/api/v1/engagement/kill-test`);
    assert.ok(likes.likes >= acknowledged.length, `${likes.likes} likes of ${acknowledged.length} acknowledged`);
    assert.equal(await server.end('SIGTERM'), 0);
  });
});

async function publishUntilGone({ url }: Server, prefix: string, acknowledged: Place[]): Promise<void> {
  let gone = false;
  let sent = 0;
  const caller = async () => {
    while (!gone) {
      sent += 1;
      const user = `${prefix}-${sent}`;
      try {
        const response = await fetch(`${url}/api/v1/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            event_type: 'post_liked',
            user_id: user,
            content_id: 'kill-test',
            timestamp: new Date().toISOString(),
          }),
        });
        const place = (await response.json()) as Place;
        assert.equal(response.status, 201, JSON.stringify(place));
        acknowledged.push(place);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        gone = true;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function eventIdAt({ url }: Server, { topic, partition, offset }: Place): Promise<string | null | undefined> {
  const query = new URLSearchParams({ topic, partition: String(partition), offset: String(offset), max: '1' });
  const page = await getJson<RecordPage>(`${url}/api/v1/events?${query}`);
  return page.records[0]?.headers.find(({ name }) => name === 'ce_id')?.value;
}
