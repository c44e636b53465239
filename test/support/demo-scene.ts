/** A platform after a demo with failures: every view of the dashboard has something to show, at these addresses. */
import type { DeadLetterListJson } from '../../src/api/dead-letters.ts';
import type { RecordJson } from '../../src/api/record-json.ts';
import type { DemoOptions } from '../../src/pipelines/demo.ts';
import { type LiveOptions, type LivePlatform, launchPlatform } from './live-platform.ts';
import { getJson } from './streamsocial.ts';

export interface DemoScene extends AsyncDisposable {
  readonly live: LivePlatform;
  /** An event that ran out of attempts. */
  readonly eventId: string;
  /** A content with likes. */
  readonly contentId: string;
  /** `group/topic/partition/offset` of a dead letter. */
  readonly letterId: string;
}

const DEMO: DemoOptions = { events: 1_500, seed: 5, ratePerSecond: 0, poisonShare: 0.02 };

export async function demoScene(demo: DemoOptions = {}, options: LiveOptions = {}): Promise<DemoScene> {
  await using opened = new AsyncDisposableStack();
  const live = opened.use(await launchPlatform({ ...options, flags: { consumerRetryBaseMs: '20', ...options.flags } }));
  live.platform.controller.startDemo({ ...DEMO, ...demo });
  const report = await live.platform.controller.demoEnded();
  if (report.balanced !== true) throw new Error(`the demo did not balance: ${JSON.stringify(report)}`);

  const { entries } = await getJson<DeadLetterListJson>(`${live.url}/api/v1/dlq?code=RETRIES_EXHAUSTED&limit=1`);
  const [letter] = entries;
  if (letter === undefined) throw new Error('no event of the demo ran out of attempts');
  const { id, topic, partition, offset } = letter;
  const place = new URLSearchParams({ topic, partition: String(partition), offset: String(offset), max: '1' });
  const { records } = await getJson<{ records: RecordJson[] }>(`${live.url}/api/v1/events?${place}`);
  const eventId = records[0]!.headers.find(({ name }) => name === 'ce_id')!.value!;
  const all = opened.move();
  return { live, eventId, contentId: records[0]!.key!, letterId: id, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
