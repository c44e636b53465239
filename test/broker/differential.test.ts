/**
 * The embedded broker answers as Kafka does, or as `known-differences.ts` says. A short run;
 * `node scripts/compare-with-kafka.ts` does the long ones.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { apiVersions } from '../../src/broker/protocol/messages/api-versions.ts';
import { produce } from '../../src/broker/protocol/messages/produce.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';
import { KNOWN_DIFFERENCES, NOT_PLAYED } from './differential/known-differences.ts';
import { openPair, type Pair } from './differential/pair.ts';
import { playSeed } from './differential/sequence.ts';
import { WireClient } from './support/wire-client.ts';
import type { Message } from './support/world.ts';

const SEQUENCES = 10;
const STEPS = 60;
const FIRST_SEED = 1;

describe('beside a real Kafka', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let pair: Pair;
  before(async () => {
    pair = await openPair(null);
  });
  after(() => pair[Symbol.asyncDispose]());

  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCES; seed++) {
    test(`the requests of seed ${seed} are answered alike`, async () => {
      const { mismatch } = await playSeed(pair.ports, seed, STEPS);
      assert.equal(mismatch?.message, undefined);
    });
  }

  test('no version is offered that Kafka does not offer', async () => {
    const [ours, kafkas] = await Promise.all([pair.ports.ours, pair.ports.kafka].map(offered));
    for (const [key, { minVersion, maxVersion }] of ours!) {
      const kafka = kafkas!.get(key)!;
      assert.ok(kafka.maxVersion >= maxVersion, `API key ${key}`);
      assert.ok(kafka.minVersion <= minVersion, `API key ${key}`);
    }
    assert.equal(ours!.get(produce.key)!.minVersion, kafkas!.get(produce.key)!.minVersion, 'see KAFKA-18659');
  });
});

test('docs/broker.md shows every known difference', () => {
  const page = readFileSync(new URL('../../docs/broker.md', import.meta.url), 'utf8');
  const rows = [...KNOWN_DIFFERENCES, ...NOT_PLAYED].map(({ api, what, reason }) => `| ${api} | ${what} | ${reason} |`);
  assert.deepEqual(
    rows.filter((row) => !page.includes(row)),
    [],
  );
});

async function offered(port: number): Promise<Map<number, Message>> {
  const client = await WireClient.connect(port);
  const { apiKeys } = (await client.request(apiVersions, 0, {})) as Message;
  await client.close();
  return new Map(apiKeys.map((each: Message) => [each.apiKey, each]));
}
