/** A rebuild in words. Pure. */
import type { RebuildBodyJson, RebuildJson } from '../../../api/projections.ts';
import { count, duration, plural } from '../../format.ts';
import type { StateKind } from '../../parts/state-kind.ts';

export type Way = 'compare' | 'beside' | 'in place';

export interface RebuildChoice {
  readonly way: Way;
  readonly keep: boolean;
  readonly incomplete: boolean;
  /** RFC 3339; '' for from the beginning. */
  readonly from: string;
}

export const WAYS: readonly { readonly value: Way; readonly text: string; readonly about: string }[] = [
  {
    value: 'compare',
    text: 'Compare first',
    about:
      'Folds the log into a new version beside the live one, which goes on. Then both are compared at the same positions, ' +
      'for which consumers wait a moment. You look at the differences, and swap or let it go.',
  },
  {
    value: 'beside',
    text: 'Beside, and swap',
    about:
      'Folds the log into a new version beside the live one and makes it the live one as soon as it is there. Readers see no gap.',
  },
  {
    value: 'in place',
    text: 'In place',
    about:
      'Empties the projection and folds it again. Until that is done readers see part of it, and its consumers wait.',
  },
];

export function bodyOf({ way, keep, incomplete, from }: RebuildChoice): RebuildBodyJson {
  const options = { ...(incomplete ? { incomplete } : {}), ...(from === '' ? {} : { from }) };
  if (way === 'in place') return { execute: true, ...options };
  const kept = keep ? { keep } : {};
  return way === 'compare'
    ? { shadow: true, diff: true, ask: true, ...kept, ...options }
    : { shadow: true, ...kept, ...options };
}

export function isWaiting({ state, decide_by }: RebuildJson): boolean {
  return state === 'RUNNING' && decide_by !== null;
}

export function phaseText(report: RebuildJson): string {
  const { state, phase, swapped, shadow, comparison } = report;
  if (state === 'CANCELLED')
    return shadow
      ? 'Cancelled; the live version is as it was.'
      : 'Cancelled; it is as far as it came, and its consumers go on from there.';
  if (state === 'FAILED') return 'Failed.';
  if (state === 'DONE') {
    if (!shadow) return 'Done: rebuilt in place.';
    if (swapped) return `Done: version ${report.version} is live.`;
    return comparison === null ? 'Done.' : 'Done: compared, and not swapped in.';
  }
  if (isWaiting(report)) return 'Compared. It keeps up with the live version until you decide.';
  if (phase === 'folding') return 'Folding the log.';
  if (phase === 'switching') return 'Coming to where the live version stands; its consumers wait for that.';
  return 'Comparing every document; its consumers wait for that.';
}

export function stateKindOf(report: RebuildJson): StateKind {
  if (report.state === 'FAILED') return 'bad';
  if (report.state === 'CANCELLED') return 'idle';
  if (report.state === 'RUNNING') return isWaiting(report) ? 'warn' : 'busy';
  return 'ok';
}

export interface FoldProgress {
  /** 0 to 1; null: not known how much there is. */
  readonly share: number | null;
  readonly text: string;
}

/** How far, how fast, and how long it will take at that. */
export function progressOf({ folded, total, started_at }: RebuildJson, nowMs: number): FoldProgress {
  const elapsedMs = nowMs - Date.parse(started_at);
  const perSecond = elapsedMs > 0 ? (folded / elapsedMs) * 1_000 : 0;
  if (total === null || total === 0) return { share: null, text: `${plural(folded, 'record')} folded` };
  const left = Math.max(0, total - folded);
  const eta = left > 0 && folded > 0 && elapsedMs > 1_000 ? `, about ${duration((left / perSecond) * 1_000)} left` : '';
  const speed = folded > 0 && elapsedMs > 1_000 ? `, ${count(perSecond)} records/s` : '';
  return {
    share: Math.min(1, folded / total),
    text: `${count(folded)} of ${plural(total, 'record')} folded${speed}${eta}`,
  };
}

export interface DifferenceRow {
  readonly key: string;
  readonly field: string;
  readonly live: number | string | null;
  readonly rebuilt: number | string | null;
}

/** Field by field; the whole document as one row where one side has none. */
export function differenceRows({ comparison }: Pick<RebuildJson, 'comparison'>): DifferenceRow[] {
  return (comparison?.differences ?? []).flatMap(({ key, live, rebuilt }) => {
    const fields = [...new Set([...Object.keys(live ?? {}), ...Object.keys(rebuilt ?? {})])];
    return fields
      .map((field) => ({ key, field, live: live?.[field] ?? null, rebuilt: rebuilt?.[field] ?? null }))
      .filter((row) => row.live !== row.rebuilt);
  });
}
