/** The cases of the event log contract about consumer groups. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  append,
  type ContractCase,
  type ContractContext,
  eventually,
  numbered,
  PATIENCE_MS,
  texts,
} from './contract-support.ts';
import type { EventLog, GroupMember, JoinOptions, PartitionBatch, TopicPartition } from './event-log.ts';

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

/** Who owns what, as the callbacks of all members of a group tell it. */
class Ledger {
  readonly owners = new Map<string, string>();
  readonly violations: string[] = [];
  readonly seen = new Map<string, string[]>();
  readonly events: string[] = [];
  readonly busy = new Set<string>();

  assigned(member: string, partitions: readonly TopicPartition[]): void {
    this.events.push(`${member} assigned ${partitions.length}`);
    for (const key of partitions.map(keyOf)) {
      if (this.owners.has(key)) this.violations.push(`${key} given to ${member} while ${this.owners.get(key)} has it`);
      this.owners.set(key, member);
    }
  }

  async records(member: string, batch: PartitionBatch, work?: () => Promise<void>): Promise<void> {
    const key = keyOf(batch);
    if (this.owners.get(key) !== member) this.violations.push(`${key} delivered to ${member} without owning it`);
    if (this.busy.has(key)) this.violations.push(`${key} delivered while its last batch is at work`);
    this.busy.add(key);
    await (work?.() ?? sleep(1));
    this.busy.delete(key);
    this.seen.set(key, [...(this.seen.get(key) ?? []), ...texts(batch.records).map(String)]);
  }

  revoked(member: string, partitions: readonly TopicPartition[], lost: boolean): void {
    this.events.push(`${member} ${lost ? 'lost' : 'revoked'} ${partitions.length}`);
    for (const key of partitions.map(keyOf)) {
      if (this.busy.has(key)) this.violations.push(`${key} revoked from ${member} while a batch is at work`);
      this.owners.delete(key);
    }
  }

  count(member: string): number {
    return [...this.owners.values()].filter((owner) => owner === member).length;
  }
}

interface Joining {
  readonly name: string;
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly ledger: Ledger;
  readonly options?: Partial<JoinOptions>;
}

/** A member whose positions are the group's committed offsets, committed after every batch. */
async function join(
  context: ContractContext,
  log: EventLog,
  { name, topics, groupId, ledger, options }: Joining,
): Promise<GroupMember> {
  const group = log.group(groupId);
  const next = new Map<string, TopicPartition & { offset: number }>();
  const member: GroupMember = await group.join({
    topics,
    sessionTimeoutMs: Math.max(6_000, context.minSessionTimeoutMs),
    rebalanceTimeoutMs: PATIENCE_MS,
    heartbeatIntervalMs: 200,
    async onAssigned(partitions) {
      ledger.assigned(name, partitions);
      return group.committed();
    },
    async onRecords(batch) {
      await ledger.records(name, batch);
      next.set(keyOf(batch), { ...batch, offset: batch.records.at(-1)!.offset + 1 });
      await member.commit([...next.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset })));
    },
    async onRevoked(partitions, lost) {
      if (!lost)
        await member.commit([...next.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset })));
      next.clear();
      ledger.revoked(name, partitions, lost);
    },
    ...options,
  });
  return member;
}

export const GROUP_CASES = {
  'a lone member gets every partition and every record in order': async (context) => {
    const { log, topic, unique } = context;
    const topics = [await topic(3), await topic(2)];
    const all = [0, 1, 2].map((partition) => ({ topic: topics[0]!, partition }));
    all.push(...[0, 1].map((partition) => ({ topic: topics[1]!, partition })));
    for (const at of all) await append(log, at, ...numbered(100));
    const ledger = new Ledger();
    const member = await join(context, log, { name: 'one', topics, groupId: unique('group'), ledger });
    await eventually(() => assert.equal([...ledger.seen.values()].flat().length, 500));
    assert.deepEqual(member.assignment().map(keyOf).sort(), all.map(keyOf).sort());
    assert.ok(member.memberId !== '' && member.generation >= 1);
    for (const at of all) await append(log, at, ...numbered(50, 100));
    await eventually(() => assert.equal([...ledger.seen.values()].flat().length, 750));
    for (const at of all) assert.deepEqual(ledger.seen.get(keyOf(at)), numbered(150));
    await member.leave();
    await member.leave();
    await member.ended;
    assert.equal(ledger.owners.size, 0);
    assert.deepEqual(ledger.violations, []);
  },

  'onAssigned says where reading starts': async (context) => {
    const { log, topic, unique } = context;
    const name = await topic(2);
    for (const partition of [0, 1]) await append(log, { topic: name, partition }, ...numbered(10));
    const ledger = new Ledger();
    const onAssigned: JoinOptions['onAssigned'] = async (partitions) => {
      ledger.assigned('one', partitions);
      return [{ topic: name, partition: 1, offset: 7 }];
    };
    const options = { onAssigned };
    const member = await join(context, log, { name: 'one', topics: [name], groupId: unique('group'), ledger, options });
    await eventually(() => assert.equal([...ledger.seen.values()].flat().length, 13));
    assert.deepEqual(ledger.seen.get(`${name}:0`), numbered(10));
    assert.deepEqual(ledger.seen.get(`${name}:1`), numbered(3, 7));
    await member.leave();
  },

  'two members never own one partition, and share as members come and go': async (context) => {
    const { log, second, topic, unique } = context;
    const name = await topic(6);
    const partitions = [0, 1, 2, 3, 4, 5].map((partition) => ({ topic: name, partition }));
    const shared = { topics: [name], groupId: unique('group'), ledger: new Ledger() };
    const { ledger } = shared;
    let writing = true;
    let written = 0;
    const writer = (async () => {
      for (; writing; written++) {
        await Promise.all(partitions.map((at) => append(log, at, String(written))));
        await sleep(10);
      }
    })();
    try {
      const one = await join(context, log, { name: 'one', ...shared });
      await eventually(() => assert.equal(ledger.count('one'), 6));
      const two = await join(context, await second(), { name: 'two', ...shared });
      await eventually(() => assert.deepEqual([ledger.count('one'), ledger.count('two')], [3, 3]));
      await one.leave();
      await eventually(() => assert.equal(ledger.count('two'), 6));
      const again = await join(context, log, { name: 'again', ...shared });
      await eventually(() => assert.deepEqual([ledger.count('again'), ledger.count('two')], [3, 3]));
      writing = false;
      await writer;
      await eventually(() => assert.equal([...ledger.seen.values()].flat().length, written * 6));
      await Promise.all([two.leave(), again.leave()]);
    } finally {
      writing = false;
      await writer;
    }
    // Committed before it was revoked, read from there by the next owner: nothing twice, nothing left out.
    for (const at of partitions) assert.deepEqual(ledger.seen.get(keyOf(at)), numbered(written));
    assert.deepEqual(ledger.violations, []);
    assert.ok(
      ledger.events.every((event) => !event.includes('lost')),
      ledger.events.join('; '),
    );
  },

  'a rebalance waits for the batch that is at work': async (context) => {
    const { log, second, topic, unique } = context;
    const name = await topic(2);
    for (const partition of [0, 1]) await append(log, { topic: name, partition }, 'slow');
    const shared = { topics: [name], groupId: unique('group'), ledger: new Ledger() };
    const { ledger } = shared;
    const gate = Promise.withResolvers<void>();
    const onRecords = (batch: PartitionBatch) => ledger.records('one', batch, () => gate.promise);
    const one = await join(context, log, { name: 'one', ...shared, options: { onRecords } });
    await eventually(() => assert.equal(ledger.busy.size, 2));
    const joining = join(context, await second(), { name: 'two', ...shared });
    await sleep(1_000);
    assert.deepEqual(ledger.events, ['one assigned 2']);
    gate.resolve();
    const two = await joining;
    await eventually(() => assert.deepEqual([ledger.count('one'), ledger.count('two')], [1, 1]));
    assert.deepEqual(ledger.violations, []);
    await Promise.all([one.leave(), two.leave()]);
  },

  'members beyond the number of partitions wait without any': async (context) => {
    const { log, second, topic, unique } = context;
    const name = await topic(1);
    const shared = { topics: [name], groupId: unique('group'), ledger: new Ledger() };
    const { ledger } = shared;
    const one = await join(context, log, { name: 'one', ...shared });
    const two = await join(context, await second(), { name: 'two', ...shared });
    await eventually(() =>
      assert.deepEqual([ledger.count('one') + ledger.count('two'), one.generation], [1, two.generation]),
    );
    const [owner, spare] = ledger.count('one') === 1 ? [one, two] : [two, one];
    assert.deepEqual(spare.assignment(), []);
    await owner.leave();
    await eventually(() => assert.equal(spare.assignment().length, 1));
    await append(log, { topic: name, partition: 0 }, 'on');
    await eventually(() => assert.deepEqual(ledger.seen.get(`${name}:0`), ['on']));
    await spare.leave();
    assert.deepEqual(ledger.violations, []);
  },

  'a slow onRecords does not cost the membership': async (context) => {
    const { log, topic, unique, minSessionTimeoutMs } = context;
    const name = await topic(1);
    await append(log, { topic: name, partition: 0 }, 'slow');
    const ledger = new Ledger();
    const options: Partial<JoinOptions> = {
      sessionTimeoutMs: minSessionTimeoutMs,
      onRecords: (batch) => ledger.records('one', batch, () => sleep(minSessionTimeoutMs * 1.4)),
    };
    const member = await join(context, log, { name: 'one', topics: [name], groupId: unique('group'), ledger, options });
    const { generation } = member;
    await eventually(() => assert.deepEqual(ledger.seen.get(`${name}:0`), ['slow']));
    await member.leave();
    assert.equal(member.generation, generation);
    assert.deepEqual(ledger.events, ['one assigned 1', 'one revoked 1']);
  },

  'pause stops one partition, resume goes on where it is told': async (context) => {
    const { log, topic, unique } = context;
    const name = await topic(2);
    const [paused, other] = [0, 1].map((partition) => ({ topic: name, partition })) as [TopicPartition, TopicPartition];
    const ledger = new Ledger();
    const member = await join(context, log, { name: 'one', topics: [name], groupId: unique('group'), ledger });
    await append(log, paused, ...numbered(5));
    await eventually(() => assert.deepEqual(ledger.seen.get(keyOf(paused)), numbered(5)));
    member.pause([paused]);
    await append(log, paused, ...numbered(5, 5));
    await append(log, other, ...numbered(5));
    await eventually(() => assert.deepEqual(ledger.seen.get(keyOf(other)), numbered(5)));
    await sleep(700);
    assert.deepEqual(ledger.seen.get(keyOf(paused)), numbered(5));
    member.resume(paused, 3);
    await eventually(() => assert.deepEqual(ledger.seen.get(keyOf(paused)), [...numbered(5), ...numbered(7, 3)]));
    member.resume({ topic: name, partition: 99 }, 0);
    await member.leave();
    assert.deepEqual(ledger.violations, []);
  },

  'committed offsets are kept, and outsiders commit only while nobody is there': async (context) => {
    const { log, second, topic, unique } = context;
    const name = await topic(2);
    await append(log, { topic: name, partition: 1 }, ...numbered(20));
    const groupId = unique('group');
    const group = (await second()).group(groupId);
    assert.deepEqual(await group.committed(), []);
    await group.commit([{ topic: name, partition: 1, offset: 12 }]);
    await group.commit([{ topic: name, partition: 1, offset: 15 }]);
    assert.deepEqual(await group.committed(), [{ topic: name, partition: 1, offset: 15 }]);
    const ledger = new Ledger();
    const member = await join(context, log, { name: 'one', topics: [name], groupId, ledger });
    await eventually(() => assert.deepEqual(ledger.seen.get(`${name}:1`), numbered(5, 15)));
    await assert.rejects(group.commit([{ topic: name, partition: 1, offset: 0 }]), { code: 'GROUP_ACTIVE' });
    await member.leave();
    assert.deepEqual(
      (await group.committed()).filter(({ partition }) => partition === 1),
      [{ topic: name, partition: 1, offset: 20 }],
    );
    await eventually(() => group.commit([{ topic: name, partition: 1, offset: 0 }]));
  },

  'a callback that throws ends the member with its error': async (context) => {
    const { log, second, topic, unique } = context;
    const name = await topic(1);
    await append(log, { topic: name, partition: 0 }, 'bad');
    const shared = { topics: [name], groupId: unique('group'), ledger: new Ledger() };
    const { ledger } = shared;
    const onRecords = async () => assert.fail('handler broke');
    const member = await join(context, log, { name: 'one', ...shared, options: { onRecords } });
    await assert.rejects(member.ended, { message: 'handler broke' });
    assert.equal(ledger.owners.size, 0);
    const next = await join(context, await second(), { name: 'two', ...shared });
    await eventually(() => assert.deepEqual(ledger.seen.get(`${name}:0`), ['bad']));
    await next.leave();
  },

  'a start outside the log ends the member, an unknown topic refuses it': async (context) => {
    const { log, topic, unique } = context;
    const name = await topic(1);
    await append(log, { topic: name, partition: 0 }, 'x');
    const ledger = new Ledger();
    const onAssigned = async () => [{ topic: name, partition: 0, offset: 500 }];
    const shared = { name: 'one', groupId: unique('group'), ledger };
    const member = await join(context, log, { ...shared, topics: [name], options: { onAssigned } });
    await assert.rejects(member.ended, { code: 'OFFSET_OUT_OF_RANGE' });
    await assert.rejects(join(context, log, { ...shared, topics: [unique('nowhere')] }), { code: 'UNKNOWN_TOPIC' });
  },

  'closing the log lets its members leave': async (context) => {
    const { open, log, topic, unique } = context;
    const name = await topic(1);
    const opened = await open();
    const shared = { topics: [name], groupId: unique('group'), ledger: new Ledger() };
    const { ledger } = shared;
    try {
      // A log that `open` makes anew does not have the topic yet.
      await opened.log
        .createTopics([{ name, partitions: 1 }])
        .catch((error) => assert.equal(error.code, 'TOPIC_EXISTS'));
      const member = await join(context, opened.log, { name: 'one', ...shared });
      await eventually(() => assert.equal(ledger.count('one'), 1));
      await opened.log.close();
      await member.ended;
      assert.deepEqual(ledger.events, ['one assigned 1', 'one revoked 1']);
    } finally {
      await opened.close();
    }
    const next = await join(context, log, { name: 'two', ...shared });
    await eventually(() => assert.equal(ledger.count('two'), 1), PATIENCE_MS);
    await next.leave();
  },
} satisfies Record<string, ContractCase>;
