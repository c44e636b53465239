/**
 * A broker in this process, with a log in memory, under spoilt requests from many connections: it goes on, says no wrong
 * thing, and takes no more memory than it may.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openBroker, type RunningBroker } from '../../../src/broker/broker.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { Random } from '../../simulation/random.ts';
import { until } from '../../support/until.ts';
import { Draw } from '../support/draw.ts';
import { WireClient } from '../support/wire-client.ts';
import { World } from '../support/world.ts';
import { Attacker, type Tally } from './attacker.ts';
import { fetchBatches, HonestClient, recordsOf } from './honest-client.ts';

export interface FuzzOptions {
  /** Spoilt ones. */
  readonly requests: number;
  readonly seed: number;
  readonly connections?: number;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress extends Readonly<Tally> {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export interface FuzzReport extends Progress {
  /** Lines of the broker about bytes that it could not take. */
  readonly complaints: number;
  readonly acknowledged: number;
  readonly verified: number;
  /** Record batches of attackers that were stored, and read by another's reader. */
  readonly garbageBatches: number;
}

/** Between two looks at what is stored and what memory is taken. */
const ROUND = 10_000;
const SESSION_MS = 200;
const MIB = 1024 * 1024;
/** So that most of the time is the attackers'. */
const HONEST_PAUSE_MS = 5;
/** Above what the first round took. */
const MAX_HEAP_GROWTH = 64 * MIB;
const MAX_RSS_BYTES = 1_024 * MIB;

/** @throws Error that names the seed, for whatever must not be */
export async function fuzz({ requests, seed, connections = 24, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const collect = garbageCollector();
  const tally: Tally = { sent: 0, spoilt: 0, understood: 0, ended: 0 };
  const attackers: Attacker[] = [];
  const faults: string[] = [];
  let complaints = 0;
  const log = await EmbeddedLog.open({ directory: null, cacheBytes: 8 * MIB, minSessionTimeoutMs: 10 });
  const logger = {
    warn: () => complaints++,
    error: (details: object) => faults.push(describeFault(details, attackers)),
  };
  const broker = await openBroker({
    log,
    logger,
    settings: { minSessionTimeoutMs: 10 },
  });
  const random = new Random(seed);
  const world = new World('f', { topics: 6, groups: 4 });
  const draw = new Draw(random, world, { now: Date.now(), oddity: 0.15, sessionMs: SESSION_MS });
  const honest = await HonestClient.start(broker.port, new Random(seed + 1));
  for (let i = 0; i < connections; i++) attackers.push(new Attacker(broker.port, draw, tally));
  let garbageBatches = 0;
  let firstHeapBytes = 0;
  let progress: Progress = { ...tally, heapBytes: 0, rssBytes: 0 };
  try {
    while (tally.spoilt < requests) {
      await beginRound(log, world);
      const goal = Math.min(requests, tally.spoilt + ROUND);
      const lane = async (attacker: Attacker): Promise<void> => {
        while (tally.spoilt < goal && faults.length === 0) await attacker.burst();
      };
      let attacking = true;
      const attack = Promise.all(attackers.map(lane)).finally(() => (attacking = false));
      while (attacking) {
        await honest.turn();
        await sleep(HONEST_PAUSE_MS);
      }
      await attack;
      await Promise.all(attackers.map((attacker) => attacker.close()));
      await givenBack(broker, 1);
      assertNone(faults);
      await honest.readAgain();
      garbageBatches += await readEverything(broker.port, log);
      collect();
      progress = { ...tally, heapBytes: process.memoryUsage().heapUsed, rssBytes: process.memoryUsage.rss() };
      firstHeapBytes ||= progress.heapBytes;
      assert.ok(
        progress.heapBytes - firstHeapBytes < MAX_HEAP_GROWTH,
        `the heap grew from ${firstHeapBytes} to ${progress.heapBytes}`,
      );
      assert.ok(progress.rssBytes < MAX_RSS_BYTES, `the process takes ${progress.rssBytes} bytes`);
      onProgress?.(progress);
    }
    await honest.close();
    await givenBack(broker, 0);
    assertNone(faults);
    const { acknowledged, verified } = honest;
    return { ...progress, complaints, acknowledged, verified, garbageBatches };
  } catch (error) {
    throw new Error(`seed ${seed}, after ${tally.spoilt} spoilt requests: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await broker.close();
    await log.close();
  }
}

/** The broker logged an error: something was thrown that is not part of its answers. */
function describeFault({ err, peer }: { err?: unknown; peer?: string }, attackers: readonly Attacker[]): string {
  const port = Number(peer?.split(':').at(-1));
  const sent = attackers.map((attacker) => attacker.sentFrom(port)).find((frames) => frames !== null) ?? [];
  const frames = sent.map((frame) => `\n  ${frame.toString('hex').slice(0, 2_000)}`).join('');
  return `the broker could not answer: ${err instanceof Error ? err.stack : err}\n  of what was sent:${frames}`;
}

function assertNone(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults[0]);
}

/** What attackers left behind is done with, and took nothing along. */
async function givenBack(broker: RunningBroker, openConnections: number): Promise<void> {
  const isQuiet = (): boolean => broker.openConnections === openConnections && broker.heldBytes === 0;
  await until(isQuiet, { what: 'giving back memory and connections', everyMs: 5 });
}

/** What was stored, by whomever, can be read by another's reader. */
async function readEverything(port: number, { store }: EmbeddedLog): Promise<number> {
  const client = await WireClient.connect(port);
  let batches = 0;
  for (const { name, partitions } of store.topics().filter((topic) => topic.name !== 'honest')) {
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = store.offsets({ topic: name, partition });
      for (
        let offset = start;
        offset < end;
        offset = Math.max(offset, store.offsets({ topic: name, partition }).start)
      ) {
        const found = await fetchBatches(client, name, partition, offset);
        assert.ok(found.length > 0, `nothing at ${offset} of ${name}-${partition}, which ends at ${end}`);
        for (const batch of found) offset = Math.max(offset, lastOffset(batch) + 1);
        batches += found.length;
      }
    }
  }
  await client.close();
  return batches;
}

function lastOffset(batch: Buffer): number {
  const at = `the batch at ${batch.readBigInt64BE(0)}`;
  const count = batch.readInt32BE(57);
  let records: ReturnType<typeof recordsOf>;
  try {
    records = recordsOf(batch);
  } catch (cause) {
    throw new Error(`${at} cannot be read: ${(cause as Error).message}: ${batch.toString('hex').slice(0, 2_000)}`, {
      cause,
    });
  }
  assert.equal(records.length, count, `the records of ${at}`);
  return Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23);
}

/** With the same few topics and groups: those that attackers make up would pile up, as they would in any broker. */
async function beginRound(log: EmbeddedLog, world: World): Promise<void> {
  const { store, coordinator } = log;
  for (const { name } of store.topics()) {
    if (name === 'honest') continue;
    await store.deleteTopic(name);
    coordinator.forgetTopic(name);
  }
  for (const { groupId } of coordinator.list()) {
    // Some wait for a rebalance that may take as long as a spoilt request said.
    if (groupId !== '') await coordinator.leaveTogether(groupId, coordinator.describe(groupId).members);
    if (coordinator.describe(groupId).state === 'Empty') coordinator.deleteGroup(groupId);
  }
  world.members.length = 0;
  const compacted = { 'cleanup.policy': 'compact' };
  await log.createTopics(
    world.topicNames.map((name, i) => ({ name, partitions: 2, config: i === 0 ? compacted : {} })),
  );
  world.topics.clear();
  for (const { name, partitions, uuid } of store.topics()) {
    if (world.topicNames.includes(name)) world.topics.set(name, { name, partitions, id: uuid });
  }
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
