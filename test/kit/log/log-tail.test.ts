import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KitError } from '../../../src/kit/errors.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import type { EventLog, PartitionOffset, ReadRequest } from '../../../src/kit/log/event-log.ts';
import { LogTail, type TailOptions } from '../../../src/kit/log/log-tail.ts';
import { until } from '../../support/until.ts';

interface Item {
  readonly offset: number;
  readonly text: string;
}

/** What a listener has heard. */
class Heard {
  readonly texts: string[] = [];
  readonly lost: unknown[] = [];
  next = 0;

  onBatch(items: readonly Item[], next: number): void {
    this.texts.push(...items.map(({ text }) => text));
    this.next = next;
  }

  onLost(error: unknown): void {
    this.lost.push(error);
  }
}

/** A log in memory with a topic `t`, and a tail of it whose reads are counted and can be made to fail. */
async function openTail(partitions: number, options: Partial<TailOptions<Item>> = {}) {
  const log = await EmbeddedLog.open({ directory: null });
  await log.createTopics([{ name: 't', partitions }]);
  const state = { reads: 0, mapped: 0, failures: [] as Error[] };
  const source: Pick<EventLog, 'read' | 'listOffsets'> = {
    read(request: ReadRequest) {
      state.reads++;
      const failure = state.failures.shift();
      return failure === undefined ? log.read(request) : Promise.reject(failure);
    },
    listOffsets: (queries) => log.listOffsets(queries),
  };
  const tail = new LogTail<Item>({
    log: source,
    map: ({ offset, value }) => {
      state.mapped++;
      return { offset, text: String(value) };
    },
    ...options,
  });
  const append = (partition: number, ...texts: string[]) =>
    log.append({
      topic: 't',
      partition,
      records: texts.map((text) => ({ key: null, value: Buffer.from(text), headers: [], timestamp: 0 })),
    });
  return {
    tail,
    state,
    append,
    async [Symbol.asyncDispose]() {
      tail.close();
      await log.close();
    },
  };
}

const at = (offset: number, partition = 0): PartitionOffset => ({ topic: 't', partition, offset });

describe('LogTail', () => {
  it('reads a partition once for a hundred listeners, and each record once for all of them', async () => {
    await using log = await openTail(1);
    const heard = Array.from({ length: 100 }, () => new Heard());
    for (const one of heard) assert.ok(log.tail.watch(at(0), one));
    assert.equal(log.tail.readers, 1);
    for (let n = 0; n < 50; n++) await log.append(0, `e${n}`);
    await until(() => heard.every(({ texts }) => texts.length === 50));
    for (const { texts, next } of heard) {
      assert.deepEqual(texts, heard[0]!.texts);
      assert.equal(next, 50);
    }
    assert.equal(log.state.mapped, 50);
    assert.ok(log.state.reads <= 60, `${log.state.reads} reads of 50 appends`);
  });

  it('lets those who want no record in particular join wherever it is', async () => {
    await using log = await openTail(1);
    const [first, second, third] = [new Heard(), new Heard(), new Heard()];
    log.tail.join(at(0), first!);
    await log.append(0, 'a', 'b');
    await until(() => first!.next === 2);
    const leave = log.tail.join(at(0), second!);
    log.tail.join(at(3), third!);
    await log.append(0, 'c', 'd');
    await until(() => first!.next === 4 && second!.next === 4 && third!.next === 4);
    assert.deepEqual([second!.texts, third!.texts], [['c', 'd'], ['d']]);
    leave();
    await log.append(0, 'e');
    await until(() => first!.next === 5);
    assert.equal(second!.next, 4);
  });

  it('takes nobody whom it has passed, and gives a listener nothing before its own offset', async () => {
    await using log = await openTail(1);
    const first = new Heard();
    log.tail.watch(at(0), first);
    await log.append(0, 'a', 'b');
    await until(() => first.next === 2);
    assert.equal(log.tail.watch(at(1), new Heard()), null);
    const ahead = new Heard();
    assert.ok(log.tail.watch(at(3), ahead));
    await log.append(0, 'c', 'd');
    await until(() => ahead.next === 4);
    assert.deepEqual([first.texts, ahead.texts], [['a', 'b', 'c', 'd'], ['d']]);
  });

  it('stops reading when the last listener has left, and a listener that leaves within a batch hears no more', async () => {
    await using log = await openTail(1);
    const second = new Heard();
    const leave: (() => void)[] = [];
    const first = Object.assign(new Heard(), { onBatch: () => leave.map((end) => end()) });
    leave.push(log.tail.watch(at(0), first)!, log.tail.watch(at(0), second)!);
    await log.append(0, 'a');
    await until(() => log.tail.readers === 0);
    assert.deepEqual(second.texts, []);
    const { reads } = log.state;
    await log.append(0, 'b');
    const back = new Heard();
    log.tail.watch(at(1), back);
    await until(() => back.next === 2);
    assert.deepEqual(back.texts, ['b']);
    assert.ok(log.state.reads > reads);
  });

  it('goes on after an outage, and gives its listeners up when it cannot', async () => {
    await using log = await openTail(1);
    const heard = new Heard();
    log.state.failures.push(...[1, 2].map(() => new KitError('LOG_UNAVAILABLE', 'scripted', { retriable: true })));
    log.tail.watch(at(0), heard);
    await log.append(0, 'a');
    await until(() => heard.next === 1);
    const corrupt = new KitError('CORRUPT_BATCH', 'scripted');
    log.state.failures.push(corrupt);
    await log.append(0, 'b');
    await until(() => heard.lost.length > 0 || heard.next === 2);
    await log.append(0, 'c');
    await until(() => heard.lost.length > 0);
    assert.deepEqual(heard.lost, [corrupt]);
    assert.equal(log.tail.readers, 0);
  });

  it('looks at partitions beyond its waiting reads from time to time, and reads only those that have grown', async () => {
    await using log = await openTail(40, { maxWaitingReads: 2, pollMs: 5 });
    const heard = Array.from({ length: 40 }, (_, partition) => {
      const one = new Heard();
      log.tail.watch(at(0, partition), one);
      return one;
    });
    for (const partition of [0, 20, 39]) await log.append(partition, `p${partition}`);
    await until(() => [0, 20, 39].every((partition) => heard[partition]!.next === 1));
    assert.deepEqual(
      heard.flatMap(({ texts }) => texts),
      ['p0', 'p20', 'p39'],
    );
    assert.ok(log.state.reads <= 10, `${log.state.reads} reads`);
  });

  it('is silent once it is closed', async () => {
    await using log = await openTail(1);
    const heard = new Heard();
    log.tail.watch(at(0), heard);
    log.tail.close();
    await log.append(0, 'a');
    assert.equal(log.tail.watch(at(1), heard), null);
    assert.deepEqual([heard.texts, heard.lost], [[], []]);
  });
});
