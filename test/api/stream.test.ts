import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TSchema } from 'typebox';
import Schema from 'typebox/schema';
import { NotificationSubscription } from '../../src/api/stream-notifications.ts';
import { ClientMessages } from '../../src/api/stream-protocol.ts';
import type { AsyncApiDocument } from '../../src/domains/social/asyncapi.ts';
import { CATEGORIES } from '../../src/domains/social/events.ts';
import { noticeOf } from '../../src/domains/social/notification-notice.ts';
import { KitError } from '../../src/kit/errors.ts';
import type { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import type { EventLog, ReadRequest } from '../../src/kit/log/event-log.ts';
import type { NoticeListener } from '../../src/pipelines/notification-bus.ts';
import type { Delivered, StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { openStreams } from './support/streams.ts';

const TOPIC = CATEGORIES.content_interaction.topic;

const users = (items: readonly Delivered[]) => items.map(({ event }) => event?.user_id);
const places = (items: readonly Delivered[]) =>
  items.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);

/** The log with reads that are counted; those of what lies before its end can be made to fail. */
function scripted(log: EmbeddedLog) {
  const script = { reads: 0, readsBehind: 0, running: 0, most: 0, failures: [] as Error[] };
  const seen: EventLog = Object.assign(Object.create(log) as EventLog, {
    kind: log.kind,
    describe: log.describe.bind(log),
    listOffsets: log.listOffsets.bind(log),
    append: log.append.bind(log),
    group: log.group.bind(log),
    async read(request: ReadRequest) {
      script.reads++;
      const behind = request.maxWaitMs === undefined;
      if (behind) script.readsBehind++;
      if (behind) script.most = Math.max(script.most, ++script.running);
      try {
        const failure = behind ? script.failures.shift() : undefined;
        if (failure !== undefined) throw failure;
        return await log.read(request);
      } finally {
        if (behind) script.running--;
      }
    },
  });
  return { script, seen };
}

describe('what is delivered', () => {
  test('from the moment of `subscribed` on: every event of a topic, with its place and decoded', async () => {
    await using api = await openStreams();
    await api.like('post_0');
    const client = await api.connect();
    const { position, subscription } = await client.subscribe({ id: 's1', topics: [TOPIC] });
    assert.equal(subscription, 's1');
    assert.match(String(position), /^1\./);
    await client.next('caught-up');
    const { event_id, partition, offset } = await api.like('post_1', 'u_2', { more: 'kept' });
    await api.publish({ event_type: 'user_registered' });
    const [item] = await client.untilDelivered(1);
    assert.deepEqual([item!.topic, item!.partition, item!.offset], [TOPIC, partition, offset]);
    const { event } = item!;
    assert.deepEqual(
      [event!.event_id, event!.event_type, event!.user_id, event!.data],
      [event_id, 'post_liked', 'u_2', { more: 'kept' }],
    );
  });

  test('a user: what they do, and that they are followed', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    await client.subscribe({ id: 's', user: 'ann' });
    await api.like('p', 'ann');
    await api.like('p', 'bob');
    await api.publish({ event_type: 'follow_initiated', user_id: 'bob', data: { target_user_id: 'ann' } });
    await api.publish({ event_type: 'follow_initiated', user_id: 'bob', data: { target_user_id: 'eve' } });
    await api.publish({ event_type: 'session_expired', user_id: 'ann' });
    const items = await client.untilDelivered(3);
    assert.deepEqual(items.map(({ event }) => `${event!.event_type} ${event!.user_id}`).sort(), [
      'follow_initiated bob',
      'post_liked ann',
      'session_expired ann',
    ]);
  });

  test('a content, on every topic; types and topics narrow what is chosen', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    await client.subscribe({ id: 'all', content: 'p' });
    await client.subscribe({ id: 'likes', content: 'p', event_types: ['post_liked'] });
    await client.subscribe({ id: 'system', content: 'p', topics: ['system-events'] });
    await api.publish({ event_type: 'post_created', content_id: 'p' });
    await api.like('p');
    await api.like('q');
    await api.publish({ event_type: 'content_moderated', content_id: 'p', data: { action: 'hidden' } });
    await client.untilDelivered(3, 'all');
    const types = (id: string) => client.delivered(id).map(({ event }) => event!.event_type);
    await until(() => types('likes').length === 1 && types('system').length === 1);
    assert.deepEqual(types('all').sort(), ['content_moderated', 'post_created', 'post_liked']);
    assert.deepEqual([types('likes'), types('system')], [['post_liked'], ['content_moderated']]);
  });

  test('from the earliest event, from a time, and then what happens', async () => {
    await using api = await openStreams();
    for (let n = 0; n < 20; n++) await api.like(`post_${n}`, `old_${n}`);
    const between = await untilLater(Date.now());
    for (let n = 0; n < 20; n++) await api.like(`post_${n}`, `new_${n}`);
    const client = await api.connect();
    await client.subscribe({ id: 'all', topics: [TOPIC], from: 'earliest' });
    await client.subscribe({ id: 'late', topics: [TOPIC], from: new Date(between).toISOString() });
    await client.untilDelivered(40, 'all');
    await client.untilDelivered(20, 'late');
    await api.like('post_1', 'last');
    await client.untilDelivered(41, 'all');
    const late = await client.untilDelivered(21, 'late');
    assert.ok(users(late).every((user) => !user!.startsWith('old_')));
    const all = client.delivered('all');
    assert.equal(new Set(places(all)).size, 41);
    for (const items of Map.groupBy(all, ({ partition }) => partition).values())
      assert.deepEqual(
        items.map(({ offset }) => offset),
        items.map((_, index) => index),
      );
  });

  test('what cannot be read is said to be so, to those who want the whole topic', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    await client.subscribe({ id: 'whole', topics: [TOPIC] });
    await client.subscribe({ id: 'likes', event_types: ['post_liked'] });
    const record = { key: Buffer.from('k'), value: Buffer.from('{"broken'), headers: [], timestamp: Date.now() };
    await api.log.append({ topic: TOPIC, partition: 2, records: [record] });
    await api.like('p');
    const items = await client.untilDelivered(2, 'whole');
    const unreadable = items.find((item) => item.event === undefined)!;
    assert.deepEqual([unreadable.partition, unreadable.offset, unreadable.unreadable!.code], [2, 0, 'NOT_JSON']);
    await client.untilDelivered(1, 'likes');
    assert.equal(client.delivered('likes').length, 1);
  });

  test('new partitions are taken up from their first record', async () => {
    await using api = await openStreams({ limits: { describeMs: 20 } });
    const client = await api.connect();
    await client.subscribe({ id: 's', topics: ['system-events'] });
    await api.log.store.addPartitions('system-events', 5);
    const [record] = (await recordsOf(api)) as [never];
    await api.log.append({ topic: 'system-events', partition: 4, records: [record] });
    const items = await client.untilDelivered(2);
    assert.ok(places(items).includes('system-events/4/0'), String(places(items)));
    const back = await api.connect();
    await back.subscribe({ id: 's', topics: ['system-events'], from: client.position });
    await api.log.append({ topic: 'system-events', partition: 4, records: [record] });
    assert.deepEqual(places(await back.untilDelivered(1)), ['system-events/4/1']);
  });
});

describe('positions', () => {
  test('whoever goes on from the last position misses nothing and gets nothing twice, however often', async () => {
    await using api = await openStreams();
    const expected = new Set<string>();
    const publish = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const { topic, partition, offset } = await api.like(`post_${n % 40}`);
        expected.add(`${topic}/${partition}/${offset}`);
      }
    };
    const received: Delivered[] = [];
    let position: string | undefined = 'earliest';
    for (let round = 0; round < 8; round++) {
      const publishing = publish(60);
      const client: StreamClient = await api.connect();
      await client.subscribe({ id: 's', topics: [TOPIC], from: position });
      await publishing;
      await until(() => received.length + client.delivered().length >= expected.size);
      client.socket.terminate();
      // of what has come it processes the first few frames and gets to no more, except for the last time
      const frames = client.frames
        .filter(({ type }) => type === 'events')
        .slice(0, round === 7 ? undefined : 1 + ((round * 5) % 6));
      position = frames.at(-1)!.position;
      received.push(...frames.flatMap(({ events = [] }) => events));
    }
    assert.equal(received.length, expected.size);
    assert.deepEqual(new Set(places(received)), expected);
    for (const items of Map.groupBy(received, ({ partition }) => partition).values())
      assert.deepEqual(
        items.map(({ offset }) => offset),
        items.map((_, index) => index),
      );
  });

  test('goes ahead while nothing matches, so that a later resumption need not read it all again', async () => {
    await using api = await openStreams({ limits: { tickMs: 10, positionMs: 20 } });
    const client = await api.connect();
    const { position } = await client.subscribe({ id: 's', user: 'nobody' });
    await client.next('caught-up');
    await api.like('p');
    const told = await client.next('position');
    assert.notEqual(told.position, position);
    const back = await api.connect();
    const resumed = await back.subscribe({ id: 's', user: 'nobody', from: told.position });
    assert.equal(resumed.position, told.position);
  });

  test('what retention has removed is an error that says what to do; it is never skipped in silence', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    const { position } = await client.subscribe({ id: 's', topics: [TOPIC] });
    const { partition } = await api.like('p');
    for (let n = 0; n < 4; n++) await api.like('p');
    await client.untilDelivered(5);
    await api.log.store.deleteRecords({ topic: TOPIC, partition }, 3);
    const late = await api.connect();
    late.say({ type: 'subscribe', id: 's', topics: [TOPIC], from: position });
    const error = await late.next('error');
    assert.deepEqual(
      [error.code, error.ended, error.subscription, error.details!.offset, error.details!.earliest],
      ['POSITION_GONE', true, 's', 0, 3],
    );
    assert.match(error.message!, /from "earliest"/);
    late.say({ type: 'subscribe', id: 's', topics: [TOPIC], from: 'earliest' });
    assert.equal((await late.untilDelivered(2)).length, 2);
  });

  test('of another log, of other topics, of a log that has lost its end: refused', async () => {
    await using api = await openStreams();
    await using other = await openStreams();
    const [client, stranger] = [await api.connect(), await other.connect()];
    const own = (await client.subscribe({ id: 'a', topics: [TOPIC] })).position!;
    const foreign = (await stranger.subscribe({ id: 'a', topics: [TOPIC] })).position!;
    for (const from of [foreign, own.replace(TOPIC, 'user-actions'), own.replace('=0', '=9'), '1.nonsense']) {
      client.say({ type: 'subscribe', id: 'b', topics: [TOPIC], from });
      const { code, ended, retriable } = await client.next('error');
      assert.deepEqual([code, ended, retriable], ['INVALID_POSITION', true, false], from);
    }
  });
});

describe('messages', () => {
  test('whatever is wrong with one is said, and the connection goes on', async () => {
    await using api = await openStreams({ limits: { maxSubscriptions: 2 } });
    const client = await api.connect();
    const refused = async (message: unknown, code: string, about: RegExp) => {
      client.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
      const error = await client.next('error');
      assert.equal(error.code, code, JSON.stringify(message));
      assert.match(error.message!, about);
    };
    await refused('{"type":', 'INVALID_JSON', /not JSON/);
    await refused(Buffer.from([1]), 'INVALID_MESSAGE', /text frames/);
    await refused([], 'INVALID_MESSAGE', /subscribe, unsubscribe, ping/);
    await refused({ type: 'constructor' }, 'INVALID_MESSAGE', /one of/);
    await refused({ type: 'subscribe' }, 'INVALID_MESSAGE', /id is required/);
    await refused({ type: 'subscribe', id: 's' }, 'INVALID_MESSAGE', /at least one of.*watch or tail/);
    await refused({ type: 'subscribe', id: 's', topics: ['orders'] }, 'INVALID_MESSAGE', /one of user-actions/);
    await refused({ type: 'subscribe', id: 's', topic: TOPIC }, 'INVALID_MESSAGE', /not a known field/);
    await refused({ type: 'subscribe', id: 's', user: '' }, 'INVALID_MESSAGE', /must/);
    await refused({ type: 'subscribe', id: 's', user: 'u', from: 'yesterday' }, 'INVALID_MESSAGE', /from is/);
    await refused(
      { type: 'subscribe', id: 's', content: 'p', event_types: ['user_registered'] },
      'INVALID_MESSAGE',
      /No event can match/,
    );
    await refused({ type: 'unsubscribe', id: 's' }, 'UNKNOWN_SUBSCRIPTION', /no subscription "s"/);
    await client.subscribe({ id: 's', topics: [TOPIC] });
    await refused({ type: 'subscribe', id: 's', user: 'u' }, 'SUBSCRIPTION_EXISTS', /already/);
    assert.equal(client.frames.at(-1)!.ended, false, 'the one that there is goes on');
    await client.subscribe({ id: 't', topics: [TOPIC] });
    await refused({ type: 'subscribe', id: 'u', topics: [TOPIC] }, 'TOO_MANY_SUBSCRIPTIONS', /2 subscriptions/);
    client.say({ type: 'ping' });
    await client.next('pong');
    await api.like('p');
    await client.untilDelivered(1, 's');
  });

  test('after `unsubscribed` nothing comes of a subscription, and its id is free', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    await client.subscribe({ id: 'a', topics: [TOPIC] });
    await client.subscribe({ id: 'b', topics: [TOPIC] });
    client.say({ type: 'unsubscribe', id: 'a' });
    await client.next('unsubscribed');
    await api.like('p');
    await client.untilDelivered(1, 'b');
    assert.deepEqual(client.delivered('a'), []);
    await client.subscribe({ id: 'a', topics: [TOPIC] });
  });

  test('one that is too large, or too many at once, ends the connection with the reason', async () => {
    await using api = await openStreams({ limits: { maxWaitingMessages: 4 } });
    const [large, hasty] = [await api.connect(), await api.connect()];
    large!.say({ type: 'ping', x: 'y'.repeat(70_000) });
    assert.equal((await large!.closed).code, 1009);
    for (let n = 0; n < 2_000; n++) hasty!.say({ type: 'subscribe', id: `s${n}`, topics: [TOPIC], from: 'earliest' });
    assert.deepEqual(await hasty!.closed, { code: 1008, reason: 'too many messages at once' });
  });
});

describe('notifications', () => {
  test('of one user, from the moment of `subscribed` on, and nothing after the end of the subscription', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    await api.like('p', 'before');
    const { position } = await client.subscribe({ id: 'n', notifications_of: 'owner_of_p' });
    assert.equal(position, undefined);
    await api.like('q', 'ann');
    await api.like('p', 'bob');
    const { subscription, notifications, missed } = await client.next('notifications');
    assert.deepEqual([subscription, missed], ['n', 0]);
    assert.deepEqual(
      notifications!.map(({ user_id, kind, content_id, actor }) => [user_id, kind, content_id, actor]),
      [['owner_of_p', 'like', 'p', 'bob']],
    );
    await client.subscribe({ id: 'q', notifications_of: 'owner_of_q' });
    client.say({ type: 'unsubscribe', id: 'n' });
    await client.next('unsubscribed');
    await api.like('p', 'eve');
    await api.like('q', 'eve');
    const next = await client.next('notifications');
    assert.equal(next.subscription, 'q');
    client.say({ type: 'subscribe', id: 'x', notifications_of: 'u', topics: [TOPIC] });
    assert.match((await client.next('error')).message!, /no topics beside notifications_of/);
  });

  test('those that a client is too slow for are counted, not kept', async () => {
    const sent: string[] = [];
    const outlet = { congested: false, drained: async () => {}, send: (frame: string) => void sent.push(frame) };
    const subscription = new NotificationSubscription('n', outlet);
    let tell: NoticeListener = () => {};
    await subscription.open(
      {
        async subscribe(_user, listener) {
          tell = listener;
          return () => {};
        },
      },
      'u',
    );
    const notice = noticeOf('u', { kind: 'like', id: 'p' }, 'a', '2026-05-27T14:00:00.000Z');
    for (let n = 0; n < 103; n++) tell(notice);
    outlet.congested = true;
    tell(notice);
    subscription.start();
    subscription.tick();
    assert.deepEqual(sent, []);
    outlet.congested = false;
    await until(() => sent.length > 0, { everyMs: 2 });
    const { notifications, missed } = JSON.parse(sent[0]!);
    assert.deepEqual([notifications.length, missed], [100, 4]);
    subscription.stop();
  });
});

test('/asyncapi.json has every message that is said and told, as it is', async () => {
  await using api = await openStreams({ limits: { tickMs: 10, positionMs: 20 } });
  const client = await api.connect();
  await client.subscribe({ id: 's', topics: [TOPIC] });
  await client.subscribe({ id: 'n', notifications_of: 'owner_of_p' });
  await client.subscribe({ id: 'l', user: 'nobody' });
  await client.subscribe({ id: 'p', watch: 'pulse' });
  await client.subscribe({ id: 't', tail: { topic: TOPIC } });
  await api.like('p');
  await client.untilDelivered(1);
  for (const message of [{ type: 'ping' }, { type: 'unsubscribe', id: 's' }, {}]) client.say(message);
  const seen = () => new Set(client.frames.map(({ type }) => type));
  const document = (await (await fetch(`${api.url}/asyncapi.json`)).json()) as AsyncApiDocument;
  const messages = document.channels.stream!.messages as Record<string, { payload: TSchema }>;
  const told = Object.keys(messages).filter((name) => !(name in ClientMessages));
  await until(() => told.every((name) => seen().has(name)), { what: `a frame of each of ${told}` });
  for (const frame of client.frames)
    assert.deepEqual(Schema.Errors(messages[frame.type]!.payload, frame), [true, []], JSON.stringify(frame));
});

describe('many clients', () => {
  test('share one reader per partition, and few reads at a time when they catch up', async () => {
    const state: { script?: ReturnType<typeof scripted>['script'] } = {};
    await using api = await openStreams({
      limits: { maxCatchUpReads: 2 },
      seen: (log) => {
        const { script, seen } = scripted(log);
        state.script = script;
        return seen;
      },
    });
    const script = state.script!;
    for (let n = 0; n < 50; n++) await api.like(`post_${n}`);
    const clients = await Promise.all(Array.from({ length: 40 }, () => api.connect()));
    await Promise.all(
      clients.map(async (client) => {
        await client.subscribe({ id: 's', topics: [TOPIC], from: 'earliest' });
        await client.next('caught-up');
      }),
    );
    assert.ok(script.most <= 2, `${script.most} reads at a time`);
    const { reads, readsBehind } = script;
    for (let n = 0; n < 50; n++) await api.like(`post_${n}`);
    for (const client of clients) await client.untilDelivered(100);
    assert.equal(script.readsBehind, readsBehind, 'nobody read by themselves');
    assert.ok(script.reads - reads <= 120, `${script.reads - reads} reads of 50 events for 40 clients`);
  });

  test('an outage is told once, and over it nothing is lost; what cannot be read at all ends the subscription', async () => {
    const state: { script?: ReturnType<typeof scripted>['script'] } = {};
    await using api = await openStreams({
      seen: (log) => {
        const { script, seen } = scripted(log);
        state.script = script;
        return seen;
      },
    });
    for (let n = 0; n < 5; n++) await api.like('p');
    const down = () => new KitError('LOG_UNAVAILABLE', 'scripted', { retriable: true });
    state.script!.failures = [down(), down(), down()];
    const client = await api.connect();
    await client.subscribe({ id: 's', topics: [TOPIC], from: 'earliest' });
    await client.untilDelivered(5);
    const errors = client.frames.filter(({ type }) => type === 'error');
    assert.deepEqual(
      errors.map(({ code, ended, retriable }) => [code, ended, retriable]),
      [['LOG_UNAVAILABLE', false, true]],
    );
    state.script!.failures = [new KitError('CORRUPT_BATCH', 'scripted')];
    const other = await api.connect();
    await other.subscribe({ id: 's', topics: [TOPIC], from: 'earliest' });
    const { code, ended } = await other.next('error');
    assert.deepEqual([code, ended], ['CORRUPT_BATCH', true]);
    await other.subscribe({ id: 's', topics: [TOPIC], from: 'earliest' });
    await other.untilDelivered(5);
  });
});

async function recordsOf(api: Awaited<ReturnType<typeof openStreams>>) {
  const { partition } = await api.publish({
    event_type: 'content_moderated',
    content_id: 'p',
    data: { action: 'hidden' },
  });
  const { records } = await api.log.read({ topic: 'system-events', partition, offset: 0 });
  return records;
}

/** A time at which the clock shows more than at `ms`. */
async function untilLater(ms: number): Promise<number> {
  return until(() => Date.now() > ms && Date.now(), { everyMs: 1 });
}
