/**
 * The same requests to the embedded broker and to Kafka, one after the other over several connections, and their answers side
 * by side. Some answers wait for other requests (JoinGroup for the other members); they are compared when they come.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KnownMember, Message, World } from '../support/world.ts';
import { type Difference, differences } from './differences.ts';
import { type KnownDifference, knownDifference } from './known-differences.ts';
import type { Outcome, Pending, Side, Step } from './side.ts';

export class Mismatch extends Error {
  override readonly name = 'Mismatch';
  readonly step: Step;
  readonly differences: readonly Difference[];

  constructor(step: Step, found: readonly Difference[], ours: Outcome | null, kafkas: Outcome | null) {
    const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 3_000) ?? 'nothing';
    const list = found.map(({ path, ours: a, kafkas: b }) => `  ${path}: ours ${show(a)}, Kafka's ${show(b)}`);
    super(
      `${step.api} ${step.version} is answered otherwise:\n${list.join('\n')}\n  asked  ${show(step.message)}\n` +
        `  ours   ${show(ours)}\n  Kafka  ${show(kafkas)}`,
    );
    this.step = step;
    this.differences = found;
  }
}

/** Asked again while they differ: what they read follows Kafka's changes at a distance. */
const READS: ReadonlySet<string> = new Set([
  'Metadata',
  'Fetch',
  'ListOffsets',
  'DescribeConfigs',
  'DescribeGroups',
  'ListGroups',
  'OffsetFetch',
  'OffsetForLeaderEpoch',
  'DescribeTopicPartitions',
  'DescribeLogDirs',
  'DescribeCluster',
  'FindCoordinator',
]);
const REPEATS = 30;
const REPEAT_AFTER_MS = 50;
/** By then an answer that waits for nobody is there on both sides. */
const ANSWERED_WITHIN_MS = 10_000;
/** How long an answer is given that should wait for other requests, and one that should not, as far as is known. */
const [WAITING_MS, LIKELY_MS] = [250, 3_000];
const METADATA_VERSION = 12;

export interface ComparisonOptions {
  /** Counts the known differences that are met. */
  readonly met?: Map<KnownDifference, number> | undefined;
  /** Default: throws it. */
  readonly onMismatch?: ((mismatch: Mismatch) => void) | undefined;
}

export class Comparison {
  readonly world: World;
  /** How often each known difference was met. */
  readonly met: Map<KnownDifference, number>;
  readonly steps: Step[] = [];
  readonly #ours: Side;
  readonly #kafka: Side;
  readonly #onMismatch: (mismatch: Mismatch) => void;
  #haveParted = false;
  #pending: { readonly ours: Pending; readonly kafka: Pending }[] = [];

  constructor(
    sides: { ours: Side; kafka: Side },
    world: World,
    { met = new Map(), onMismatch = fail }: ComparisonOptions,
  ) {
    this.#ours = sides.ours;
    this.#kafka = sides.kafka;
    this.#onMismatch = onMismatch;
    this.world = world;
    this.met = met;
  }

  /** Those that wait for an answer. */
  get waiting(): readonly Step[] {
    return this.#pending.map(({ ours }) => ours.step);
  }

  /** The brokers have come to different states, in a way that is known. */
  get haveParted(): boolean {
    return this.#haveParted;
  }

  /** A member of this group that could let the others go on. */
  get idleMember(): KnownMember | undefined {
    const groups = new Set(this.waiting.map(({ message }) => message.groupId));
    return this.world.members.find(({ groupId, waits }) => groups.has(groupId) && !waits);
  }

  /** @throws Mismatch */
  async play(step: Step): Promise<void> {
    this.steps.push(step);
    const pair = { ours: this.#ours.send(step), kafka: this.#kafka.send(step) };
    await settled(pair, this.#patienceMs(step));
    this.#pending.push(pair);
    await this.#collect();
  }

  #patienceMs({ api, message }: Step): number {
    const members = this.world.membersOf(message.groupId ?? '');
    const isAsking = ({ memberId }: KnownMember): boolean => memberId === message.memberId;
    if (api === 'JoinGroup') return members.every((each) => each.waits || isAsking(each)) ? LIKELY_MS : WAITING_MS;
    if (api === 'SyncGroup') return members.find(isAsking)?.members.length ? LIKELY_MS : WAITING_MS;
    return ANSWERED_WITHIN_MS;
  }

  /** @throws Mismatch */
  async #collect(): Promise<void> {
    for (const pair of [...this.#pending]) {
      const { step } = pair.ours;
      if (pair.ours.outcome === null && pair.kafka.outcome === null) {
        this.world.learn(step.api, step.message, null);
        continue;
      }
      this.#pending = this.#pending.filter((each) => each !== pair);
      await settled(pair, 0);
      await this.#compare(step, pair.ours.outcome, pair.kafka.outcome);
    }
  }

  async #compare(step: Step, ours: Outcome | null, kafkas: Outcome | null): Promise<void> {
    let [a, b] = [ours, kafkas];
    let found = this.#unknown(step, a, b);
    for (let i = 0; i < REPEATS && found.length > 0 && READS.has(step.api); i++) {
      await sleep(REPEAT_AFTER_MS);
      const pair = { ours: this.#ours.send(step), kafka: this.#kafka.send(step) };
      await settled(pair, ANSWERED_WITHIN_MS);
      [a, b] = [pair.ours.outcome, pair.kafka.outcome];
      found = this.#unknown(step, a, b);
    }
    if (found.length > 0) this.#onMismatch(new Mismatch(step, found, a, b));
    if (b === null || typeof b === 'string') return;
    this.world.learn(step.api, step.message, b);
    await this.#follow(step, b);
  }

  #unknown(step: Step, ours: Outcome | null, kafkas: Outcome | null): Difference[] {
    return differences(ours, kafkas).filter((difference) => {
      const known = knownDifference(difference, step);
      if (known !== undefined) this.met.set(known, (this.met.get(known) ?? 0) + 1);
      this.#haveParted ||= known?.parts ?? false;
      return known === undefined;
    });
  }

  /** Waits until Kafka has done what it has answered for. @throws Mismatch */
  async #follow({ api, message }: Step, answer: Message): Promise<void> {
    if (message.validateOnly) return;
    const done = (list: Message[] | undefined): string[] =>
      (list ?? []).filter(({ errorCode }) => errorCode === 0).map(({ name }) => name);
    if (api === 'CreateTopics') for (const name of done(answer.topics)) await this.#topicIs(name, true);
    if (api === 'CreatePartitions') for (const name of done(answer.results)) await this.#topicIs(name, true);
    if (api === 'DeleteTopics') for (const name of done(answer.responses)) await this.#topicIs(name, false);
    if (api === 'IncrementalAlterConfigs' || api === 'AlterConfigs') {
      for (const { resourceName, errorCode } of answer.responses) {
        if (errorCode === 0) await this.#configIs(resourceName);
      }
    }
  }

  async #topicIs(name: string, isThere: boolean): Promise<void> {
    const asked = { topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name }], allowAutoTopicCreation: false };
    const step: Step = { api: 'Metadata', version: METADATA_VERSION, message: asked, connection: 0 };
    const describe = async (side: Side): Promise<Message> =>
      side.normalised(await side.ask('Metadata', METADATA_VERSION, asked));
    const ours = await describe(this.#ours);
    for (let i = 0; ; i++) {
      const kafkas = await describe(this.#kafka);
      const found = differences(ours, kafkas);
      if (found.length === 0 && (!isThere || (await this.#leads(ours.topics[0])))) {
        this.world.learn('Metadata', asked, kafkas);
        return;
      }
      if (i === 5 * REPEATS) return this.#onMismatch(new Mismatch(step, found, ours, kafkas));
      await sleep(REPEAT_AFTER_MS / 5);
    }
  }

  /** Kafka knows a topic a little before it is ready to write to it. */
  async #leads({ name, partitions }: Message): Promise<boolean> {
    const asked = partitions.map(({ partitionIndex }: Message) => ({ partitionIndex, timestamp: -2 }));
    const answer = await this.#kafka.ask('ListOffsets', 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: asked }],
    });
    return answer.topics[0].partitions.every(({ errorCode }: Message) => errorCode === 0);
  }

  async #configIs(topic: string): Promise<void> {
    const asked = {
      resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }],
      includeSynonyms: false,
    };
    const set = async (side: Side): Promise<string> => {
      const { results } = await side.ask('DescribeConfigs', 1, asked);
      const own = results[0].configs.filter(({ configSource }: Message) => configSource === 1);
      return JSON.stringify(own.map(({ name, value }: Message) => [name, value]).sort());
    };
    const ours = await set(this.#ours);
    for (let i = 0; i < REPEATS && (await set(this.#kafka)) !== ours; i++) await sleep(REPEAT_AFTER_MS / 5);
  }
}

function fail(mismatch: Mismatch): never {
  throw mismatch;
}

/** Both, or neither within the time; who is first waits for the other as long as it takes. */
async function settled(pair: { ours: Pending; kafka: Pending }, patienceMs: number): Promise<void> {
  const both = Promise.all([pair.ours.done, pair.kafka.done]);
  const enough = new AbortController();
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: enough.signal }).catch(() => {});
  await Promise.race([both, pause(patienceMs)]);
  if (pair.ours.outcome !== null || pair.kafka.outcome !== null) await Promise.race([both, pause(ANSWERED_WITHIN_MS)]);
  enough.abort();
}
