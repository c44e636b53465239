import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KitError } from '../../../src/kit/errors.ts';
import { EventPublisher } from '../../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import type { EventCodec } from '../../../src/kit/schemas/event-codec.ts';
import { FakeLog, tooLarge } from '../../support/fake-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Note {
  readonly id: string;
  readonly at: number;
  readonly text: string;
}

const codec: EventCodec<Note> = {
  accept(input, stamp) {
    if (typeof input !== 'string') throw new KitError('NOT_A_NOTE', 'a note is text');
    return { id: stamp.newId(), at: stamp.now, text: input };
  },
  idOf: ({ id }) => id,
  encode: (note) => ({
    topic: 'notes',
    key: note.text,
    value: Buffer.from(JSON.stringify(note)),
    headers: [['ce_id', Buffer.from(note.id)]],
  }),
  decode: ({ value }) => {
    const event = JSON.parse(String(value)) as Note;
    return { ok: true, event, id: event.id };
  },
};

function setUp() {
  const clock = new ManualClock();
  const log = new FakeLog({ clock, topics: [{ name: 'notes', partitions: 3 }] });
  const producer = new HighVolumeProducer({ log, clock });
  return { clock, log, publisher: new EventPublisher({ codec, producer, clock }) };
}

describe('EventPublisher', () => {
  test('checks, stamps, stores, and answers where', async () => {
    const { clock, log, publisher } = setUp();
    const { event_id, topic, partition, offset, event } = await publisher.publish('hello');
    assert.match(event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(event, { id: event_id, at: clock.now(), text: 'hello' });
    assert.deepEqual([topic, offset], ['notes', 0]);
    const [stored] = log.records('notes', partition);
    assert.deepEqual(JSON.parse(String(stored?.value)), event);
    assert.deepEqual(stored?.headers, [['ce_id', Buffer.from(event_id)]]);
    assert.equal(stored?.timestamp, clock.now());
  });

  test('what the domain refuses is not sent', async () => {
    const { log, publisher } = setUp();
    await assert.rejects(publisher.publish(42), { code: 'NOT_A_NOTE' });
    assert.equal(log.appends, 0);
  });

  test('publishMany: one outcome per item, in order, whatever becomes of the others', async () => {
    const { log, publisher } = setUp();
    log.fate = ({ records }) =>
      records.some(({ value }) => String(value).includes('monster')) ? { error: tooLarge() } : {};
    const inputs = ['a', 1, 'b', 'monster', 'a'];
    const outcomes = await publisher.publishMany(inputs);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? outcome.event.text : outcome.error.code)),
      ['a', 'NOT_A_NOTE', 'b', 'RECORD_TOO_LARGE', 'a'],
    );
    assert.deepEqual(await publisher.publishMany([]), []);
  });

  test('a fault of the program does not pass for one of the input', async () => {
    const { publisher } = setUp();
    const broken = new EventPublisher<Note>({
      codec: { ...codec, encode: () => assert.fail('broken codec') },
      producer: { send: () => assert.fail('not reached') },
    });
    await assert.rejects(broken.publishMany(['x']), assert.AssertionError);
    assert.equal(publisher.create('x').text, 'x');
  });
});
