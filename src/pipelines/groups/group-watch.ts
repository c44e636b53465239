/**
 * What is remembered of consumer groups: where they stand, how their lag went, and when they were rebalanced. It asks nobody: every
 * look at the log's health that somebody takes comes by here, and is kept once a second at most. It is kept by a clock that is never
 * set: when the machine's is, what happened before is told at the times that the machine would say now.
 */
import type { PartitionProgress } from '../../kit/consumers/consumer-metrics.ts';
import type { GroupLook, OnGroups } from '../../kit/monitoring/group-look.ts';
import { type Rebalance, RebalanceWatch } from '../../kit/monitoring/rebalances.ts';
import { SampleRing } from '../../kit/monitoring/sample-ring.ts';
import { groupOwner } from './group-owner.ts';
import { type GroupView, groupView } from './group-view.ts';

export interface GroupWatchOptions {
  /** The setting that the platform's own groups are named after. */
  readonly groupId: string;
  /** Where the handlers of this process are. */
  readonly handlers: () => readonly {
    readonly group: string;
    readonly metrics: { readonly partitions: readonly PartitionProgress[] };
  }[];
}

export interface GroupHistory {
  /** Milliseconds since the epoch, ascending; the other lists have an entry for each. */
  readonly times: readonly number[];
  readonly lag: readonly (number | null)[];
  readonly lagSeconds: readonly (number | null)[];
  readonly perSecond: readonly (number | null)[];
  /** Records behind, by topic. */
  readonly topics: ReadonlyMap<string, readonly (number | null)[]>;
}

/** Ten minutes, where looks are taken once a second. */
const CAPACITY = 600;
const MAX_SERIES = 1_500;
const MIN_STEP_MS = 900;
/** A look that did not reach every broker does not make a group vanish. */
const GONE_AFTER_MS = 30_000;
const MAX_REBALANCES = 100;
/** What an average a second is over: foreign members commit every few seconds. */
const RATE_WINDOW_MS = 10_000;

interface Watched {
  readonly watch: RebalanceWatch;
  readonly rebalances: Rebalance[];
  seen: Seen;
  kept: Kept | null;
}

/** As of the last look. */
interface Seen {
  readonly steadyMs: number;
  readonly sight: GroupLook['groups'][number];
  /** Of a handler of ours. */
  readonly positions: readonly PartitionProgress[] | null;
  /** Made when somebody asks: most looks are only kept. */
  readonly view: () => GroupView;
}

interface Kept {
  readonly steadyMs: number;
  readonly partitions: number;
  /** Next offsets, summed up. */
  readonly next: number;
}

export class GroupWatch {
  readonly #options: GroupWatchOptions;
  readonly #ring = new SampleRing({ capacity: CAPACITY, maxSeries: MAX_SERIES });
  readonly #groups = new Map<string, Watched>();
  /** The newest look. */
  #observed: Pick<GroupLook, 'atMs' | 'steadyMs'> | null = null;
  #keptAtMs = Number.NEGATIVE_INFINITY;
  #incomplete: readonly string[] = [];

  constructor(options: GroupWatchOptions) {
    this.#options = options;
  }

  readonly saw: OnGroups = (look) => {
    const { steadyMs, groups, incomplete } = look;
    const handlers = new Map(this.#options.handlers().map(({ group, metrics }) => [group, metrics.partitions]));
    this.#observed = look;
    this.#incomplete = incomplete.filter((note) => /group|^broker/.test(note));
    for (const sight of groups) {
      const { group } = sight.health;
      // one of ours that nobody has joined yet, and that has no offsets
      if (sight.description === null && sight.health.partitions.length === 0) continue;
      const positions = handlers.get(group) ?? null;
      const watched = this.#see(group, {
        steadyMs,
        sight,
        positions,
        view: this.#viewOf(look, sight, positions ?? []),
      });
      const rebalance = sight.description === null ? null : watched.watch.saw(sight.description, steadyMs);
      if (rebalance !== null) watched.rebalances.push(rebalance);
      if (watched.rebalances.length > MAX_REBALANCES) watched.rebalances.shift();
    }
    const keptMs = incomplete.length === 0 ? 0 : GONE_AFTER_MS;
    for (const [group, { seen }] of this.#groups) if (steadyMs - seen.steadyMs > keptMs) this.#groups.delete(group);
    if (steadyMs - this.#keptAtMs >= MIN_STEP_MS) this.#keep(steadyMs);
  };

  /** Null before the first look. */
  get observedAtMs(): number | null {
    return this.#observed?.atMs ?? null;
  }

  /** What could not be learned at the last look. */
  get incomplete(): readonly string[] {
    return this.#incomplete;
  }

  /** Ascending by name. */
  groups(): GroupView[] {
    return [...this.#groups.values()].map(({ seen }) => seen.view()).sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  group(group: string): GroupView | null {
    return this.#groups.get(group)?.seen.view() ?? null;
  }

  /** The newest last. */
  rebalances(group: string): readonly Rebalance[] {
    const shiftMs = this.#shiftMs;
    const seen = this.#groups.get(group)?.rebalances ?? [];
    return seen.map((one) => ({ ...one, atMs: one.atMs + shiftMs }));
  }

  /** @param since milliseconds since the epoch */
  history(group: string, since: number): GroupHistory {
    const shiftMs = this.#shiftMs;
    const sinceMs = since - shiftMs;
    const topics = this.#ring.keys(topicKey(group, '')).map((key) => key.slice(topicKey(group, '').length));
    return {
      times: this.#ring.times(sinceMs).map((at) => at + shiftMs),
      lag: this.#ring.values(keyFor(group, 'lag'), sinceMs),
      lagSeconds: this.#ring.values(keyFor(group, 'seconds'), sinceMs),
      perSecond: this.#ring.values(keyFor(group, 'rate'), sinceMs),
      topics: new Map(topics.sort().map((topic) => [topic, this.#ring.values(topicKey(group, topic), sinceMs)])),
    };
  }

  /** The most of every step, the newest last; null where nobody looked. */
  recentLag(group: string, stepMs: number, lengthMs: number): (number | null)[] {
    const sinceMs = (this.#observed?.steadyMs ?? 0) - lengthMs;
    return this.#ring.maxima(keyFor(group, 'lag'), sinceMs, stepMs, Math.ceil(lengthMs / stepMs));
  }

  /** Of the last ten seconds. */
  perSecond(group: string): number | null {
    const since = (this.#observed?.steadyMs ?? 0) - RATE_WINDOW_MS;
    const known = this.#ring.values(keyFor(group, 'rate'), since).filter((rate) => rate !== null);
    return known.length === 0 ? null : known.reduce((sum, rate) => sum + rate, 0) / known.length;
  }

  /** It is known to be gone. */
  forget(group: string): void {
    this.#groups.delete(group);
  }

  /** From the clock that things are kept by to the wall clock as it is now. */
  get #shiftMs(): number {
    return this.#observed === null ? 0 : this.#observed.atMs - this.#observed.steadyMs;
  }

  #see(group: string, seen: Seen): Watched {
    const known = this.#groups.get(group);
    if (known !== undefined) {
      known.seen = seen;
      return known;
    }
    const watched = { watch: new RebalanceWatch(), rebalances: [], seen, kept: null };
    this.#groups.set(group, watched);
    return watched;
  }

  #viewOf(look: GroupLook, sight: Seen['sight'], positions: readonly PartitionProgress[]): () => GroupView {
    let view: GroupView | null = null;
    return () => {
      view ??= groupView(sight, look, groupOwner(sight.health.group, this.#options.groupId), positions);
      return view;
    };
  }

  #keep(steadyMs: number): void {
    const values = new Map<string, number | null>();
    for (const [group, watched] of this.#groups) {
      const { seen, kept } = watched;
      if (seen.steadyMs !== steadyMs) continue;
      const { lagSeconds, topics, partitions, next } = measured(seen);
      values.set(keyFor(group, 'lag'), topics.size === 0 ? null : [...topics.values()].reduce((sum, lag) => sum + lag));
      values.set(keyFor(group, 'seconds'), lagSeconds);
      for (const [topic, lag] of topics) values.set(topicKey(group, topic), lag);
      // of partitions that have come or gone meanwhile nobody knows how much was read
      if (kept?.partitions === partitions && partitions > 0)
        values.set(keyFor(group, 'rate'), (Math.max(0, next - kept.next) * 1_000) / (steadyMs - kept.steadyMs));
      watched.kept = { steadyMs, partitions, next };
    }
    this.#ring.push(steadyMs, values);
    this.#keptAtMs = steadyMs;
  }
}

/** Lag by topic, and what the rate is told from. Of a group of others all that the look has is enough. */
function measured({ sight: { health }, positions, view }: Seen) {
  const lagSeconds = positions === null ? health.lag_seconds : view().lag_seconds;
  const topics = new Map<string, number>();
  let partitions = 0;
  let next = 0;
  const add = (topic: string, lag: number | null, at: number | null): void => {
    if (lag !== null) topics.set(topic, (topics.get(topic) ?? 0) + lag);
    if (at === null) return;
    partitions += 1;
    next += at;
  };
  if (positions === null)
    for (const { topic, lag, committed_offset } of health.partitions) add(topic, lag, committed_offset);
  else for (const { topic, lag, position, committed } of view().partitions) add(topic, lag, position ?? committed);
  return { lagSeconds, topics, partitions, next };
}

/** Group ids may have any character but this one. */
function keyFor(group: string, what: 'lag' | 'seconds' | 'rate'): string {
  return `${what}\0${group}`;
}

function topicKey(group: string, topic: string): string {
  return `topic\0${group}\0${topic}`;
}
