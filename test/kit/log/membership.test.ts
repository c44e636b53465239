import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../src/kit/clock.ts';
import { isKitError, KitError } from '../../../src/kit/errors.ts';
import { GroupCoordinator } from '../../../src/kit/log/embedded/group-coordinator.ts';
import { GroupStore } from '../../../src/kit/log/embedded/group-store.ts';
import type {
  GroupMember,
  Header,
  JoinOptions,
  LogRecord,
  PartitionBatch,
  PartitionOffset,
} from '../../../src/kit/log/event-log.ts';
import type { FetchSource, GroupTransport } from '../../../src/kit/log/group-transport.ts';
import { joinGroup } from '../../../src/kit/log/membership.ts';
import { until } from '../../support/until.ts';

const TOPIC = 't';
const RECORD_BYTES = 1_000;
type Call = keyof GroupTransport | 'fetch' | 'leaderOf' | 'partitionCount';

/** Back-offs of seconds take milliseconds. */
const hasty: Clock = {
  ...systemClock,
  after: (delayMs, callback) => systemClock.after(Math.min(delayMs, 20), callback),
};

const unavailable = (): KitError => new KitError('LOG_UNAVAILABLE', 'scripted', { retriable: true });
const refused = (code: string, details = {}): KitError => new KitError(code, 'scripted', { details });

/** A coordinator and a log in memory; `fault` may answer any call with an error, `hold` may keep it waiting. */
class World implements FetchSource {
  readonly calls: Call[] = [];
  readonly commits: PartitionOffset[][] = [];
  readonly logs: LogRecord[][];
  readonly transport: GroupTransport;
  earliest = 0;
  fetched = 0;
  maxFetchBytes = 0;
  fault: (call: Call) => KitError | null = () => null;
  hold: (call: Call) => Promise<unknown> | undefined = () => undefined;

  constructor(partitions: number) {
    this.logs = Array.from({ length: partitions }, () => []);
    const { commits } = this;
    const store = new (class extends GroupStore {
      override saveOffsets(_id: string, offsets: readonly PartitionOffset[]): void {
        commits.push([...offsets]);
      }
    })(null);
    const limits = { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1, maxSessionTimeoutMs: 60_000, maxMembers: 10 };
    const coordinator = new GroupCoordinator({ store, clock: systemClock, ...limits });
    this.transport = {
      join: (request) => this.#call('join', () => coordinator.join(request)),
      sync: (member, assignments) => this.#call('sync', () => coordinator.sync(member, assignments)),
      heartbeat: (member) => this.#call('heartbeat', () => coordinator.heartbeat(member)),
      leave: (member) => this.#call('leave', () => coordinator.leave(member)),
      commit: (member, offsets) => this.#call('commit', () => coordinator.commit(member, offsets)),
      committed: (groupId) => this.#call('committed', () => coordinator.committed(groupId)),
    };
  }

  add(partition: number, count: number, headers: readonly Header[] = []): void {
    const log = this.logs[partition]!;
    for (let i = 0; i < count; i++) {
      const offset = log.length;
      const value = Buffer.alloc(RECORD_BYTES);
      log.push({ topic: TOPIC, partition, offset, key: null, value, headers, timestamp: 0 });
    }
  }

  partitionCount(): Promise<number> {
    return this.#call('partitionCount', async () => this.logs.length);
  }

  leaderOf({ partition }: { partition: number }): Promise<number> {
    return this.#call('leaderOf', async () => partition % 2);
  }

  fetch(
    ...[leader, positions, { maxBytes, maxWaitMs, signal }]: Parameters<FetchSource['fetch']>
  ): Promise<PartitionBatch[]> {
    return this.#call('fetch', async () => {
      await sleep(0);
      const early = positions.find(({ offset }) => offset < this.earliest);
      if (early) throw refused('OFFSET_OUT_OF_RANGE', { ...early, earliest: this.earliest, latest: 1_000 });
      for (const deadline = Date.now() + maxWaitMs; ; await sleep(2)) {
        let left = Math.ceil(maxBytes / RECORD_BYTES);
        const batches = positions.flatMap(({ topic, partition, offset }) => {
          assert.equal(partition % 2, leader);
          const log = this.logs[partition]!;
          const records = log.slice(offset, offset + Math.min(left, 20));
          left -= records.length;
          this.fetched += records.length;
          return records.length > 0 ? [{ topic, partition, records, highWatermark: log.length }] : [];
        });
        if (batches.length > 0 || signal.aborted || Date.now() >= deadline) return batches;
      }
    });
  }

  async #call<T>(call: Call, run: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    await this.hold(call);
    const fault = this.fault(call);
    if (fault !== null) throw fault;
    return run();
  }
}

interface Followed {
  readonly member: GroupMember;
  readonly events: string[];
  /** Offsets by partition, in the order of delivery. */
  readonly seen: number[][];
}

async function follow(
  world: World,
  options: Partial<JoinOptions> = {},
  signal?: AbortSignal,
  clock = hasty,
): Promise<Followed> {
  const events: string[] = [];
  const seen = world.logs.map((): number[] => []);
  const owned = new Set<number>();
  const handlers: JoinOptions = {
    topics: [TOPIC],
    sessionTimeoutMs: 5_000,
    rebalanceTimeoutMs: 5_000,
    heartbeatIntervalMs: 10,
    async onAssigned(partitions) {
      events.push(`assigned ${partitions.length}`);
      for (const { partition } of partitions) owned.add(partition);
      return partitions.map((at) => ({ ...at, offset: seen[at.partition]!.length }));
    },
    async onRecords(batch) {
      await options.onRecords?.(batch);
      assert.ok(owned.has(batch.partition), 'delivered after it was revoked');
      seen[batch.partition]!.push(...batch.records.map(({ offset }) => offset));
    },
    async onRevoked(partitions, lost) {
      events.push(`${lost ? 'lost' : 'revoked'} ${partitions.length}`);
      for (const { partition } of partitions) owned.delete(partition);
    },
  };
  const { onRecords: _, ...others } = options;
  const deps = { transport: world.transport, source: world, clock };
  const member = await joinGroup(deps, 'group', { ...handlers, ...others }, signal);
  return { member, events, seen };
}

const allOf = (world: World): number[][] => world.logs.map((log) => log.map(({ offset }) => offset));
const complete = (world: World, { seen }: Followed) => until(() => seen.flat().length >= world.logs.flat().length);

/** Fails every call of these kinds until each has failed so often. */
function failing(times: number, error: () => KitError, ...calls: Call[]): World['fault'] {
  const left = new Map(calls.map((call) => [call, times]));
  return (call) => {
    const count = left.get(call) ?? 0;
    left.set(call, count - 1);
    return count > 0 ? error() : null;
  };
}

describe('membership', () => {
  test('a log that is away for a while delays, and nothing else', async () => {
    const world = new World(4);
    for (const partition of [0, 1, 2, 3]) world.add(partition, 100);
    world.fault = failing(3, unavailable, 'join', 'sync', 'heartbeat', 'fetch', 'leaderOf', 'partitionCount', 'leave');
    const followed = await follow(world);
    await complete(world, followed);
    await until(() => world.calls.filter((call) => call === 'heartbeat').length > 5);
    await followed.member.leave();
    assert.deepEqual(followed.seen, allOf(world));
    assert.deepEqual(followed.events, ['assigned 4', 'revoked 4']);
  });

  for (const code of ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']) {
    test(`${code}: what was owned is lost, and the member joins again`, async () => {
      const world = new World(2);
      world.add(0, 30);
      const followed = await follow(world);
      await complete(world, followed);
      world.fault = failing(1, () => refused(code), 'heartbeat');
      await until(() => followed.events.length >= 3);
      world.add(1, 30);
      await complete(world, followed);
      await followed.member.leave();
      assert.deepEqual(followed.events, ['assigned 2', 'lost 2', 'assigned 2', 'revoked 2']);
      assert.deepEqual(followed.seen, allOf(world));
    });
  }

  test('a member thrown out for its silence finds out, rejoins and goes on', async () => {
    const world = new World(2);
    world.add(0, 10);
    let silent = true;
    world.hold = (call) => (call === 'heartbeat' && silent ? until(() => !silent) : undefined);
    const followed = await follow(world, { sessionTimeoutMs: 50 });
    await complete(world, followed);
    const before = followed.member.memberId;
    await sleep(100);
    silent = false;
    await until(() => followed.events.length >= 3);
    assert.notEqual(followed.member.memberId, before);
    assert.deepEqual(followed.events.slice(1, 3), ['lost 2', 'assigned 2']);
    await followed.member.leave();
  });

  for (const [sessionTimeoutMs, expectedMs] of [
    [undefined, 1_500],
    [2_000, 500],
    [60_000, 3_000],
  ] as const) {
    test(`a session of ${sessionTimeoutMs ?? 'the default'}: a heartbeat every ${expectedMs} ms`, async () => {
      const world = new World(1);
      const delays: number[] = [];
      const clock: Clock = {
        ...systemClock,
        after(delayMs, callback) {
          delays.push(delayMs);
          return systemClock.after(delayMs, callback);
        },
      };
      const assigned = Promise.withResolvers<void>();
      const member = await joinGroup({ transport: world.transport, source: world, clock }, 'g', {
        topics: [TOPIC],
        onAssigned: async () => {
          assigned.resolve();
          return [];
        },
        onRecords: async () => {},
        onRevoked: async () => {},
        ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      });
      await assigned.promise;
      assert.ok(delays.includes(expectedMs), delays.join());
      await member.leave();
    });
  }

  test('a fetch that answers after the revocation delivers nothing', async () => {
    const world = new World(1);
    const gate = Promise.withResolvers<void>();
    world.hold = (call) => (call === 'fetch' ? gate.promise : undefined);
    const followed = await follow(world);
    world.add(0, 10);
    await until(() => world.calls.includes('fetch'));
    await followed.member.leave();
    gate.resolve();
    await sleep(20);
    assert.deepEqual(followed.seen, [[]]);
    assert.deepEqual(followed.events, ['assigned 1', 'revoked 1']);
  });

  test('what is held for a slow handler is bounded, and the other partitions go on', async () => {
    const world = new World(4);
    for (const partition of [0, 1, 2, 3]) world.add(partition, 500);
    const gate = Promise.withResolvers<void>();
    const onRecords = async ({ partition }: PartitionBatch) => (partition === 0 ? gate.promise : undefined);
    const maxBufferedBytes = 200 * RECORD_BYTES;
    const followed = await follow(world, { onRecords, maxBufferedBytes });
    await until(() => followed.seen.slice(1).flat().length === 1_500);
    const held = world.fetched - 1_500;
    assert.ok(held > 0 && held <= 100, `${held} records fetched for a partition that takes none`);
    const fetches = world.calls.filter((call) => call === 'fetch').length;
    await sleep(300);
    assert.ok(world.calls.filter((call) => call === 'fetch').length - fetches < 10, 'waiting is not polling');
    gate.resolve();
    await complete(world, followed);
    assert.deepEqual(followed.seen, allOf(world));
    await followed.member.leave();
  });

  test('small headers count with the memory that they cost', async () => {
    const world = new World(2);
    const headers: Header[] = Array.from({ length: 20 }, (_, index) => [`h${index}`, Buffer.from('v')]);
    world.add(0, 500, headers);
    world.add(1, 500);
    const gate = Promise.withResolvers<void>();
    const onRecords = async ({ partition }: PartitionBatch) => (partition === 0 ? gate.promise : undefined);
    const followed = await follow(world, { onRecords, maxBufferedBytes: 200 * RECORD_BYTES });
    await until(() => followed.seen[1]!.length === 500);
    const held = world.fetched - 500;
    gate.resolve();
    await complete(world, followed);
    await followed.member.leave();
    assert.ok(held > 0 && held <= 60, `${held} records of 20 headers fetched for a partition that takes none`);
  });

  test('a partition that drains does not wait for a fetch that others wait in', async () => {
    const world = new World(3);
    world.add(0, 2_000);
    const startedAt = performance.now();
    const followed = await follow(world, { maxBufferedBytes: 30 * RECORD_BYTES, onRecords: () => sleep(1) });
    await complete(world, followed);
    // A hundred fetches of 20 records; each waiting 100 ms behind its idle neighbour would take 10 s.
    assert.ok(performance.now() - startedAt < 5_000);
    await followed.member.leave();
  });

  test('a fetch of few records is followed by a pause, unless there are more', async () => {
    const gatherMs = 123;
    let pauses = 0;
    const counting: Clock = {
      ...hasty,
      after(delayMs, callback) {
        if (delayMs === gatherMs) pauses++;
        return hasty.after(delayMs, callback);
      },
    };
    const world = new World(1);
    world.add(0, 60);
    const followed = await follow(world, { gatherMs }, undefined, counting);
    await complete(world, followed);
    await until(() => pauses > 0);
    assert.equal(pauses, 1, 'three fetches, of which the last found the end');
    world.add(0, 5);
    await complete(world, followed);
    await until(() => pauses > 1);
    await followed.member.leave();
    assert.deepEqual(followed.seen, allOf(world));
  });

  test('a start that nobody chose is the earliest there is; one that was chosen has to exist', async () => {
    const world = new World(3);
    for (const partition of [0, 1, 2]) world.add(partition, 60);
    world.earliest = 40;
    const starts: number[] = [];
    const deps = { transport: world.transport, source: world, clock: hasty };
    const options = { topics: [TOPIC], onAssigned: async () => [], onRevoked: async () => {} };
    const onRecords = async ({ records }: PartitionBatch) => void starts.push(...records.map(({ offset }) => offset));
    const member = await joinGroup(deps, 'group', { ...options, onRecords });
    await until(() => starts.length === 60);
    assert.equal(Math.min(...starts), 40);
    await member.leave();
    const chosen = await follow(world);
    await assert.rejects(chosen.member.ended, { code: 'OFFSET_OUT_OF_RANGE' });
  });

  for (const call of ['fetch', 'heartbeat', 'leaderOf'] as const) {
    test(`what no retry can help ends the member: ${call}`, async () => {
      const world = new World(2);
      const followed = await follow(world);
      await until(() => followed.events.length === 1);
      world.add(0, 1);
      world.fault = (at) => (at === call ? refused('CORRUPT_BATCH') : null);
      await assert.rejects(followed.member.ended, { code: 'CORRUPT_BATCH' });
      assert.deepEqual(followed.events, ['assigned 2', 'revoked 2']);
      assert.equal(world.calls.at(-1), 'leave');
    });
  }

  test('what no retry can help refuses the join', async () => {
    const world = new World(2);
    world.fault = (call) => (call === 'join' ? refused('INVALID_SESSION_TIMEOUT') : null);
    await assert.rejects(follow(world), { code: 'INVALID_SESSION_TIMEOUT' });
  });

  test('an id that was just given is used at once, however long the log was away before', async () => {
    const world = new World(1);
    world.fault = failing(10, unavailable, 'join');
    let pauses = 0;
    const clock: Clock = {
      ...hasty,
      after(delayMs, callback) {
        pauses++;
        return hasty.after(delayMs, callback);
      },
    };
    const options = {
      topics: [TOPIC],
      onAssigned: async () => [],
      onRecords: async () => {},
      onRevoked: async () => {},
    };
    const member = await joinGroup({ transport: world.transport, source: world, clock }, 'g', options);
    const whileJoining = pauses;
    await member.leave();
    assert.equal(whileJoining, 10);
  });

  test('a join that cannot get through ends with its signal', async () => {
    const world = new World(2);
    world.fault = (call) => (call === 'join' ? unavailable() : null);
    const controller = new AbortController();
    const joining = follow(world, {}, controller.signal);
    await until(() => world.calls.filter((call) => call === 'join').length > 1);
    controller.abort(refused('LOG_CLOSED'));
    await assert.rejects(joining, { code: 'LOG_CLOSED' });
    await assert.rejects(follow(world, {}, controller.signal), { code: 'LOG_CLOSED' });
  });

  test('a member leaves while it waits for the others to join', async () => {
    const world = new World(2);
    const gate = Promise.withResolvers<void>();
    world.add(0, 1);
    const stubborn = await follow(world, { onRecords: () => gate.promise });
    await until(() => world.calls.includes('fetch'));
    const controller = new AbortController();
    const joining = follow(world, {}, controller.signal);
    await until(() => world.calls.filter((call) => call === 'join').length === 4);
    controller.abort(refused('LOG_CLOSED'));
    await assert.rejects(joining, { code: 'LOG_CLOSED' });
    gate.resolve();
    await until(() => stubborn.events.includes('assigned 2') && stubborn.member.assignment().length === 2);
    await stubborn.member.leave();
  });

  test('a commit that fails in a rebalance goes with the next one; other failures are told', async () => {
    const world = new World(2);
    const { member, events } = await follow(world);
    await until(() => events.length === 1);
    const at = (partition: number, offset: number) => ({ topic: TOPIC, partition, offset });
    world.fault = failing(1, () => refused('REBALANCE_IN_PROGRESS'), 'commit');
    await member.commit([at(0, 5), at(1, 1)]);
    await member.commit([at(1, 2), at(7, 7)]);
    assert.deepEqual(world.commits, [[at(0, 5), at(1, 2)]]);
    world.fault = failing(1, () => refused('UNKNOWN_TOPIC'), 'commit');
    await assert.rejects(member.commit([at(0, 6)]), (error) => isKitError(error, 'UNKNOWN_TOPIC'));
    await member.leave();
    await member.commit([at(0, 9)]);
    assert.equal(world.commits.length, 1);
  });

  for (const silent of ['leave', 'partitionCount'] as const) {
    test(`nobody answers (${silent}): a member leaves all the same`, async () => {
      const world = new World(1);
      const followed = await follow(world);
      await until(() => followed.events.length > 0);
      world.hold = (call) => (call === silent ? new Promise(() => {}) : undefined);
      if (silent === 'partitionCount') {
        world.fault = failing(1, () => refused('UNKNOWN_MEMBER_ID'), 'heartbeat');
        await until(() => followed.events.includes('lost 1'));
      }
      await followed.member.leave();
      assert.match(followed.events.at(-1)!, /^(revoked|lost) 1$/);
    });
  }

  test('a member that leaves before its callbacks began is told of nothing', async () => {
    const world = new World(2);
    const followed = await follow(world);
    await followed.member.leave();
    assert.deepEqual(followed.events, []);
    assert.equal(world.calls.at(-1), 'leave');
  });
});
