/** Leaders and replicas in a grid, and what is wrong with which partition. Pure. */
import type { TopicHealth } from '../../../api/health.ts';
import { count, plural } from '../../format.ts';

type Partition = TopicHealth['partitions'][number];

/** The worst that holds of a partition. */
export type PartitionState = 'offline' | 'under-min-isr' | 'under-replicated' | 'not-preferred' | 'in-sync';

export interface PartitionRow {
  readonly topic: string;
  readonly partition: number;
  /** Node id, -1 without one. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Replicas that are not in sync. */
  readonly missing: readonly number[];
  readonly state: PartitionState;
  /** Null where no leader told them. */
  readonly start: number | null;
  readonly end: number | null;
}

export interface TopicRow {
  readonly name: string;
  readonly partitions: readonly PartitionRow[];
  /** Not in the grid, for want of room: `partitions` are the troubled ones and the first of the others. */
  readonly left: number;
  /** For who does not see the grid. */
  readonly text: string;
}

/** More cells than this are no picture any more. */
export const MAX_CELLS = 120;

export const STATE_TEXTS: Readonly<Record<PartitionState, string>> = {
  offline: 'offline',
  'under-min-isr': 'under min ISR',
  'under-replicated': 'under-replicated',
  'not-preferred': 'in sync, not led by its first replica',
  'in-sync': 'in sync',
};

const TROUBLED = new Set<PartitionState>(['offline', 'under-min-isr', 'under-replicated']);

export function isTroubled({ state }: PartitionRow): boolean {
  return TROUBLED.has(state);
}

export function partitionRows(topic: TopicHealth): PartitionRow[] {
  return topic.partitions
    .map((partition) => ({
      topic: topic.name,
      partition: partition.partition,
      leader: partition.leader,
      replicas: partition.replicas,
      isr: partition.isr,
      missing: partition.replicas.filter((id) => !partition.isr.includes(id)),
      state: stateOf(partition),
      start: partition.start_offset < 0 ? null : partition.start_offset,
      end: partition.end_offset < 0 ? null : partition.end_offset,
    }))
    .sort((a, b) => a.partition - b.partition);
}

export function topicRows(topics: readonly TopicHealth[], { internal }: { readonly internal: boolean }): TopicRow[] {
  return topics
    .filter((topic) => internal || !topic.internal)
    .map((topic) => {
      const all = partitionRows(topic);
      const troubled = all.filter(isTroubled);
      const others = all.filter((row) => !isTroubled(row));
      const shown = [...troubled, ...others].slice(0, MAX_CELLS).sort((a, b) => a.partition - b.partition);
      return { name: topic.name, partitions: shown, left: all.length - shown.length, text: textOf(all, troubled) };
    });
}

function stateOf({ offline, under_min_isr, replicas, isr, preferred }: Partition): PartitionState {
  if (offline) return 'offline';
  if (under_min_isr) return 'under-min-isr';
  if (isr.length < replicas.length) return 'under-replicated';
  return preferred ? 'in-sync' : 'not-preferred';
}

function textOf(all: readonly PartitionRow[], troubled: readonly PartitionRow[]): string {
  const led = [...Map.groupBy(all, ({ leader }) => leader)].sort(([a], [b]) => a - b);
  const leaders = led
    .map(([id, rows]) => (id < 0 ? `none for ${count(rows.length)}` : `${id} of ${count(rows.length)}`))
    .join(', ');
  const trouble = troubled.length === 0 ? 'all in sync' : `${count(troubled.length)} not in sync`;
  return `${plural(all.length, 'partition')}; leaders: ${leaders}; ${trouble}`;
}
