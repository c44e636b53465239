import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PulseSubscription } from '../../src/api/stream-pulse.ts';
import type { PulseListener, PulseSource } from '../../src/pipelines/pulse/pulse.ts';
import { PulseMarks } from '../../src/pipelines/pulse/pulse-marks.ts';
import { point } from '../pipelines/pulse/reports.ts';
import type { Frame } from '../support/stream-client.ts';
import { openStreams } from './support/streams.ts';

const TOPIC = 'content-interactions';
type PulseAnswer = Pick<Required<Frame>, 'sample' | 'history' | 'marks'>;

describe('watch: pulse', () => {
  test('history and a sample at once, then samples that agree with the log, and marks', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    const { position } = await client.subscribe({ id: 'p', watch: 'pulse' });
    assert.equal(position, undefined);
    const first = await client.next('pulse');
    assert.deepEqual([Array.isArray(first.history), first.marks], [true, []]);
    for (let n = 0; n < 25; n++) await api.like(`post_${n}`);
    api.pulse.marks.add({ kind: 'drill', text: 'A drill began', link: '/drills' });
    const texts: string[] = [];
    for (;;) {
      const { sample, marks, history } = await client.next('pulse');
      assert.equal(history, undefined, 'once');
      texts.push(...marks!.map(({ text }) => text));
      const flow = sample!.topics.find(({ name }) => name === TOPIC);
      if (flow?.end === 25 && texts.length > 0) {
        assert.equal(sample!.producer.sent, 25);
        assert.ok(sample!.producer.p99_ms! > 0);
        break;
      }
    }
    assert.deepEqual(texts, ['A drill began']);
  });

  test('nothing may be asked for beside it, and after the end of it nothing comes', async () => {
    await using api = await openStreams();
    const client = await api.connect();
    client.say({ type: 'subscribe', id: 'p', watch: 'pulse', topics: [TOPIC] });
    assert.match((await client.next('error')).message!, /no topics beside watch/);
    await client.subscribe({ id: 'p', watch: 'pulse' });
    await client.next('pulse');
    client.say({ type: 'unsubscribe', id: 'p' });
    await client.next('unsubscribed');
    const other = await api.connect();
    await other.subscribe({ id: 'p', watch: 'pulse' });
    for (let n = 0; n < 3; n++) await other.next('pulse');
    assert.equal(client.frames.at(-1)!.type, 'unsubscribed');
  });

  test('GET /api/v1/pulse answers the same', async () => {
    await using api = await openStreams();
    await api.like('p');
    const answer = await fetch(`${api.url}/api/v1/pulse`);
    const { sample, history, marks } = (await answer.json()) as PulseAnswer;
    assert.deepEqual([sample.producer.sent, history, marks], [1, [], []]);
    assert.equal(sample.log.mode, 'embedded');
  });
});

test('a mark that the first frame has told of already does not come again with the next sample', async () => {
  const sent: string[] = [];
  const outlet = { congested: false, drained: async () => {}, send: (frame: string) => void sent.push(frame) };
  const marks = new PulseMarks();
  let tell: PulseListener = () => {};
  const sample = point() as Awaited<ReturnType<PulseSource['sample']>>;
  const watch: PulseSource['watch'] = (listener) => {
    tell = listener;
    return () => {};
  };
  const subscription = await PulseSubscription.open(
    'p',
    { history: [], marks, sample: async () => sample, watch },
    outlet,
  );
  // since the last sample
  marks.add({ kind: 'drill', text: 'early', link: null });
  subscription.start();
  marks.add({ kind: 'drill', text: 'late', link: null });
  tell(sample, marks.since());
  const texts = sent.map((frame) => (JSON.parse(frame) as PulseAnswer).marks.map(({ text }) => text));
  assert.deepEqual(texts, [['early'], ['late']]);
  subscription.stop();
});

test('who is too slow misses samples, which never wait for it, but no mark', async () => {
  const sent: string[] = [];
  const outlet = { congested: false, drained: async () => {}, send: (frame: string) => void sent.push(frame) };
  let tell: PulseListener = () => {};
  const sample = point() as Awaited<ReturnType<PulseSource['sample']>>;
  const source: PulseSource = {
    history: [point()],
    marks: new PulseMarks(),
    sample: async () => sample,
    watch(listener) {
      tell = listener;
      return () => {};
    },
  };
  const subscription = await PulseSubscription.open('p', source, outlet);
  subscription.start();
  assert.equal(sent.length, 1);
  outlet.congested = true;
  const mark = (text: string) => ({ at: sample.at, kind: 'drill' as const, text, link: null });
  for (let n = 0; n < 1_000; n++) tell(sample, [mark(`m${n}`)]);
  assert.equal(sent.length, 1);
  outlet.congested = false;
  tell(sample, [mark('last')]);
  assert.equal(sent.length, 2);
  const { marks } = JSON.parse(sent[1]!);
  assert.deepEqual([marks.length, marks[0].text, marks.at(-1).text], [301, 'm700', 'last']);
  subscription.stop();
});
